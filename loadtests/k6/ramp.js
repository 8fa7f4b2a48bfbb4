// Up in steps until it hurts; the thresholds stop the run where it does: k6 run loadtests/k6/ramp.js
import { ask, setting } from './common.js';

const top = setting('RATE', 40000, 200000);
const step = setting('STEP_SECONDS', 20, 600);

export const options = {
  scenarios: {
    ramp: {
      executor: 'ramping-arrival-rate',
      startRate: Math.ceil(top / 20),
      timeUnit: '1s',
      preAllocatedVUs: Math.max(10, Math.ceil(top / 50)),
      maxVUs: Math.max(50, Math.ceil(top / 5)),
      stages: [0.1, 0.25, 0.5, 0.75, 1].map((part) => ({ target: Math.ceil(top * part), duration: `${step}s` })),
    },
  },
  thresholds: {
    http_req_failed: [{ threshold: 'rate<0.001', abortOnFail: true, delayAbortEval: '5s' }],
    http_req_duration: [{ threshold: 'p(99)<250', abortOnFail: true, delayAbortEval: '10s' }],
  },
};

export default function () {
  ask(__ITER);
}
