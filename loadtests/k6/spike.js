// Quiet, then twenty times as much within a second, then quiet again: it must come back by itself.
import { ask, setting } from './common.js';

const quiet = setting('RATE', 500, 20000);
const hold = setting('SECONDS', 20, 600);

export const options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: quiet,
      timeUnit: '1s',
      preAllocatedVUs: Math.ceil(quiet / 2),
      maxVUs: quiet * 4,
      stages: [
        { target: quiet, duration: `${hold}s` },
        { target: quiet * 20, duration: '1s' },
        { target: quiet * 20, duration: `${hold}s` },
        { target: quiet, duration: '1s' },
        { target: quiet, duration: `${hold}s` },
      ],
    },
  },
  thresholds: { http_req_failed: ['rate<0.01'], http_req_duration: ['p(95)<250'] },
};

export default function () {
  ask(__ITER);
}
