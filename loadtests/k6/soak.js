// Hours of middling load: memory must stay flat (see loadtests/soak for what is watched beside it).
import { sleep } from 'k6';
import { ask, healthy, setting } from './common.js';

export const options = {
  scenarios: {
    soak: {
      executor: 'constant-vus',
      vus: setting('VUS', 50, 5000),
      duration: `${setting('MINUTES', 60, 24 * 60)}m`,
    },
  },
  thresholds: { ...healthy, http_req_failed: ['rate==0'], http_req_duration: ['p(99)<100'] },
};

export default function () {
  ask(__ITER);
  sleep(0.01);
}
