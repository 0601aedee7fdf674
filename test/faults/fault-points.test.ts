import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertEachHasPoint, readSteps, type Step } from '../support/effect-trace.js';
import { eventually } from '../support/eventually.js';
import { OPERATIONS } from '../support/fault-operations.js';
import { allDeaths, checkAfter, countPassings, dieAt, openSetting, type Passings } from '../support/fault-world.js';
import { tempDir } from '../support/temp-dir.js';

/** Every passing of a point; else the first and the last in an operation. */
const ALL = process.env['WHARFD_TEST_FULL'] === '1';

/** How often each point is passed in each operation when nothing disturbs it, and all that the daemon has done. */
async function traceOperations(): Promise<{ passings: ReadonlyMap<string, Passings>; steps: readonly Step[] }> {
  await using home = await tempDir();
  const path = join(home.path, 'trace');
  await using world = await openSetting({ traceTo: path });
  const passings = new Map<string, Passings>();
  for (const [title, operation] of Object.entries(OPERATIONS)) {
    await operation.before(world);
    passings.set(title, await countPassings(world, operation));
  }
  const { pid } = world.daemon;
  await world.daemon.stop();
  // The tracer ends after the daemon, with the last line.
  await eventually(async () =>
    assert.match(await readFile(path, 'latin1'), new RegExp(`^${pid} .*exited with 0`, 'm')),
  );
  return { passings, steps: await readSteps(path, { root: world.daemon.root, points: world.points }) };
}

const { passings, steps } = await traceOperations();
const CASES = allDeaths(passings).filter(({ title, point, passed }) => {
  return ALL || passed === 0 || passed + 1 === passings.get(title)?.get(point);
});

test('a point follows every effect that outlives the daemon', () => {
  assertEachHasPoint(steps);
  const names = new Set(steps.flatMap(({ kind, name }) => (kind === 'effect' ? [name] : [])));
  assert.ok(names.size > 10, [...names].join(', '));
  for (const name of names) {
    const without = steps.filter((step) => step.kind === 'effect' || step.name !== name);
    assert.throws(() => {
      assertEachHasPoint(without);
    }, /does not follow/);
  }
});

test('the daemon dies at every point: the old or the new state, nothing half, and a second run completes it', async (t) => {
  assert.ok(CASES.length >= 40, `${CASES.length} points`);
  await using world = await openSetting();
  for (const { title, point, passed } of CASES) {
    const operation = OPERATIONS[title];
    assert.ok(operation);
    await t.test(`${title}: ${point}, passed ${passed} times before`, async (each) => {
      await operation.before(world);
      if (!(await dieAt(world, operation, { point, passed }))) each.diagnostic('not reached this time');
      await checkAfter(world, operation);
    });
  }
});
