// Gives Node the modules that k6 has built in, so that the scenarios' own logic runs without k6.
const STUBS = {
  k6: `
    export const check = (value, checks) => Object.values(checks).every((holds) => Boolean(holds(value)));
    export const sleep = (seconds) => globalThis.k6world.sleeps.push(seconds);`,
  'k6/http': `
    const get = (url, params) => globalThis.k6world.get(url, params);
    export default { get, expectedStatuses: (...statuses) => ({ statuses }) };`,
  'k6/metrics': `
    export class Counter {
      constructor(name) { this.name = name; globalThis.k6world.counters[name] ??= 0; }
      add(n) { globalThis.k6world.counters[this.name] += n; }
    }`,
};

export async function resolve(specifier, context, next) {
  if (specifier in STUBS) {
    return { url: `k6stub:${specifier}`, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (url.startsWith('k6stub:')) {
    return { format: 'module', shortCircuit: true, source: STUBS[url.slice('k6stub:'.length)] };
  }
  return next(url, context);
}
