import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OPERATIONS } from '../support/fault-operations.js';
import { allDeaths, checkAfter, countPassings, dieAt, openSetting, type Passings } from '../support/fault-world.js';
import { openSmallDisk } from '../support/small-disk.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const DISK_BYTES = 128 << 20;
/** The same cuts each time, but in the full test. */
const CUTS = FULL ? { numRuns: 200 } : { numRuns: 12, seed: 20 };

test('the power goes at any point: what has a name is whole, and the rest is gone or goes on', async (t) => {
  await using disk = await openSmallDisk(DISK_BYTES);
  await using world = await openSetting({ config: { root: disk.path } });
  const passings = new Map<string, Passings>();
  for (const [title, operation] of Object.entries(OPERATIONS)) {
    await operation.before(world);
    passings.set(title, await countPassings(world, operation));
  }
  let cuts = 0;
  const deaths = allDeaths(passings);
  // When the last transaction is kept, what it names must be on the disk.
  const lasts = deaths.filter(({ title, point, passed }) => {
    return point === 'a transaction is kept' && passed + 1 === passings.get(title)?.get(point);
  });
  for (const { title, point, passed } of [...lasts, ...fc.sample(fc.constantFrom(...deaths), CUTS)]) {
    const operation = OPERATIONS[title];
    assert.ok(operation);
    await operation.before(world);
    if (!(await dieAt(world, operation, { point, passed, afterwards: () => disk.cutPower() }))) continue;
    cuts += 1;
    await t.test(`${title}: ${point}, passed ${passed} times before`, () => checkAfter(world, operation));
  }
  assert.ok(cuts > CUTS.numRuns / 2, `${cuts} cuts`);
});
