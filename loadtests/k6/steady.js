// 10,000 requests a second, whatever the answers take (open loop): k6 run loadtests/k6/steady.js
import { ask, healthy, setting } from './common.js';

const rate = setting('RATE', 10000, 200000);

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${setting('SECONDS', 60, 3600)}s`,
      preAllocatedVUs: Math.max(10, Math.ceil(rate / 50)),
      maxVUs: Math.max(50, Math.ceil(rate / 5)),
    },
  },
  thresholds: {
    ...healthy,
    http_req_failed: ['rate==0'],
    http_req_duration: ['p(50)<5', 'p(99)<50'],
    dropped_iterations: ['count==0'],
  },
};

export default function () {
  ask(__ITER);
}
