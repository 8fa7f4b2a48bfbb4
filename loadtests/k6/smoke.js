// Does it answer at all? One user, ten seconds: k6 run loadtests/k6/smoke.js
import { ask, healthy, setting } from './common.js';

export const options = {
  vus: 1,
  duration: `${setting('SECONDS', 10, 600)}s`,
  thresholds: { ...healthy, http_req_failed: ['rate==0'], http_req_duration: ['p(99)<100'] },
};

export default function () {
  ask(__ITER);
}
