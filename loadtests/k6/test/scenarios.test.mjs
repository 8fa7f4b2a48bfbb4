// The logic of the k6 scenarios under Node's test runner: node --test loadtests/k6/test/
// This shows that they load, ask for what they should and judge answers rightly; it does not show that k6 runs them.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { register } from 'node:module';
import { test } from 'node:test';

register('./hooks.mjs', import.meta.url);

const folder = new URL('..', import.meta.url);
const scenarios = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'common.js');
let fresh = 0;

/** Loads a scenario anew in a world with these variables and this gateway. */
async function load(name, { env = {}, gateway = () => answer(200) } = {}) {
  const world = { counters: {}, sleeps: [], asked: [], get: (url, params) => {
    world.asked.push({ url, params });
    return gateway(world.asked.length, url);
  } };
  globalThis.k6world = world;
  globalThis.__ENV = env;
  globalThis.__ITER = 0;
  // `common.js` reads the environment when it is loaded, so it has to be a new module too.
  fresh += 1;
  const { mkdtempSync, cpSync, rmSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const { fileURLToPath, pathToFileURL } = await import('node:url');
  const copy = mkdtempSync(join(tmpdir(), `weir-k6-${fresh}-`));
  cpSync(fileURLToPath(folder), copy, { recursive: true, filter: (path) => !path.includes('/test') });
  try {
    const module = await import(pathToFileURL(join(copy, name)).href);
    return { ...module, world };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function answer(status, { body = '', headers = {} } = {}) {
  return { status, body, headers: { 'X-Amzn-Requestid': 'id', ...headers } };
}

const throttled = () =>
  answer(429, { body: '{"message":"Too Many Requests"}', headers: { 'X-Amzn-Errortype': 'TooManyRequestsException' } });

function iterate(scenario, times) {
  for (let turn = 0; turn < times; turn += 1) {
    globalThis.__ITER = turn;
    scenario.default();
  }
}

test('there are the scenarios that the README names', () => {
  assert.deepEqual(scenarios.sort(), ['ramp.js', 'smoke.js', 'soak.js', 'spike.js', 'steady.js', 'throttling.js']);
});

for (const name of scenarios) {
  test(`${name} has an end, a threshold and asks the gateway`, async () => {
    const scenario = await load(name);
    const { options } = scenario;
    assert.ok(Object.keys(options.thresholds).length > 0);
    const parts = options.scenarios ? Object.values(options.scenarios) : [options];
    for (const part of parts) {
      const durations = part.stages ? part.stages.map((stage) => stage.duration) : [part.duration];
      assert.ok(durations.every((duration) => /^\d+(s|m)$/.test(duration)), String(durations));
      assert.ok(part.executor === undefined || part.maxVUs === undefined || part.maxVUs >= part.preAllocatedVUs);
    }
    iterate(scenario, 4);
    assert.deepEqual(scenario.world.asked.map((one) => one.url.replace('http://127.0.0.1:8080', '')), [
      '/pets/1', '/pets/2', '/pets/1', '/pets/2',
    ]);
    assert.equal(scenario.world.counters.unexpected_answers, 0);
  });

  test(`${name} counts an answer that should not be`, async () => {
    const scenario = await load(name, { gateway: (n) => (n === 2 ? answer(502) : answer(200)) });
    iterate(scenario, 3);
    assert.equal(scenario.world.counters.unexpected_answers, 1);
  });
}

test('an answer without a request id is unexpected', async () => {
  const scenario = await load('smoke.js', { gateway: () => ({ status: 200, body: '', headers: {} }) });
  iterate(scenario, 1);
  assert.equal(scenario.world.counters.unexpected_answers, 1);
});

test('the gateway and its paths come from the environment', async () => {
  const scenario = await load('smoke.js', { env: { BASE: 'http://127.0.0.1:1', PATHS: '/a' } });
  iterate(scenario, 1);
  assert.equal(scenario.world.asked[0].url, 'http://127.0.0.1:1/a');
});

test('numbers are bounded, and nonsense is refused', async () => {
  const { options } = await load('steady.js', { env: { RATE: '1e9' } });
  assert.equal(options.scenarios.steady.rate, 200000);
  await assert.rejects(load('steady.js', { env: { RATE: 'fast' } }), /RATE must be a number above 0, not fast/);
  await assert.rejects(load('smoke.js', { env: { SECONDS: '-1' } }), /SECONDS/);
});

test('throttling counts both sides, and its bounds are rate x time + burst', async () => {
  const env = { LIMIT_RATE: '10', LIMIT_BURST: '5', SECONDS: '20' };
  const scenario = await load('throttling.js', { env, gateway: (n) => (n % 3 === 0 ? answer(200) : throttled()) });
  iterate(scenario, 9);
  assert.deepEqual(scenario.world.counters, { unexpected_answers: 0, admitted: 3, refused: 6 });
  assert.deepEqual([scenario.least, scenario.most], [188, 218]);
  assert.deepEqual(scenario.options.thresholds.admitted, ['count<=218', 'count>=188']);
  assert.ok(scenario.options.scenarios.twice.rate > 10);
});

test('a 429 that is not AWS\'s is unexpected', async () => {
  const scenario = await load('throttling.js', { gateway: () => answer(429, { body: 'slow down' }) });
  iterate(scenario, 1);
  assert.equal(scenario.world.counters.unexpected_answers, 1);
});

test('the soak rests between requests, and the spike is twenty times the quiet', async () => {
  const soak = await load('soak.js');
  iterate(soak, 2);
  assert.deepEqual(soak.world.sleeps, [0.01, 0.01]);
  const targets = (await load('spike.js')).options.scenarios.spike.stages.map((stage) => stage.target);
  assert.equal(Math.max(...targets), 20 * Math.min(...targets));
});
