import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzTar } from './tar-run.js';

const RUNS = process.env['WHARFD_TEST_FULL'] === '1' ? 20_000 : 1500;

test(`${RUNS} random archives: the same in any pieces, bounded, no error but ours`, (t) => {
  const endings = new Map<string, number>();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const ending = fuzzTar(seed);
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(endings)));
  for (const ending of ['read to the end', 'invalid-argument', 'resource-exhausted', 'data-loss']) {
    assert.ok((endings.get(ending) ?? 0) >= RUNS / 200, `hardly any archive ended in ${ending}: the generator is off`);
  }
});
