// What the scenarios share: where the gateway is, one request and its checks.
import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

export const BASE = __ENV.BASE || 'http://127.0.0.1:8080';
export const PATHS = (__ENV.PATHS || '/pets/1,/pets/2').split(',');

/** Answers that are neither 2xx nor what the scenario expects. */
export const unexpected = new Counter('unexpected_answers');

/** A number from the environment, within bounds: no scenario runs away. */
export function setting(name, usual, most) {
  const value = Number(__ENV[name] || usual);
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`${name} must be a number above 0, not ${__ENV[name]}`);
  }
  return Math.min(value, most);
}

/** Asks for one of the paths; `expected` lists the statuses that are no surprise. */
export function ask(turn, expected = [200]) {
  const path = PATHS[turn % PATHS.length];
  const answer = http.get(BASE + path, { tags: { name: path }, responseCallback: http.expectedStatuses(...expected) });
  const ok = check(answer, {
    'status is expected': (r) => expected.includes(r.status),
    'has a request id': (r) => Boolean(r.headers['X-Amzn-Requestid']),
  });
  if (!ok) {
    unexpected.add(1, { status: String(answer.status) });
  }
  return answer;
}

/** Thresholds that every scenario keeps. */
export const healthy = {
  unexpected_answers: ['count==0'],
  checks: ['rate==1'],
};
