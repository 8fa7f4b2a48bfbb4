// More than the gateway admits: what passes is rate x time + burst, the rest is 429.
// Start it with `--throttle 100:50` and run: LIMIT_RATE=100 LIMIT_BURST=50 k6 run loadtests/k6/throttling.js
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { ask, setting, unexpected } from './common.js';

export const limit = { rate: setting('LIMIT_RATE', 100, 100000), burst: setting('LIMIT_BURST', 50, 100000) };
export const seconds = setting('SECONDS', 20, 600);
const admitted = new Counter('admitted');
const refused = new Counter('refused');

/** The most that may pass in the run; the second more is what a run takes to begin and end. */
export const most = Math.ceil(limit.rate * (seconds + 1) * 1.01) + limit.burst;
/** The least: the load is twice the limit all the time. */
export const least = Math.floor(limit.rate * (seconds - 1) * 0.99);

export const options = {
  scenarios: {
    twice: {
      executor: 'constant-arrival-rate',
      rate: limit.rate * 2 + limit.burst,
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
  },
  thresholds: {
    unexpected_answers: ['count==0'],
    admitted: [`count<=${most}`, `count>=${least}`],
    refused: ['count>0'],
  },
};

export default function () {
  const answer = ask(__ITER, [200, 429]);
  if (answer.status === 200) {
    admitted.add(1);
  } else if (answer.status === 429) {
    refused.add(1);
    const asAws = check(answer, {
      'body is AWS\'s': (r) => r.body === '{"message":"Too Many Requests"}',
      'error type is AWS\'s': (r) => r.headers['X-Amzn-Errortype'] === 'TooManyRequestsException',
    });
    if (!asAws) {
      unexpected.add(1, { status: '429' });
    }
  }
}
