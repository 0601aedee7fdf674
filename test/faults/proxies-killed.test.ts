import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { collectGarbage } from '../../src/client/index.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { type FarSnapshotter, openFarSnapshotter } from '../support/far-snapshotter.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { tempDir } from '../support/temp-dir.js';
import { sessionOf } from '../support/whole-stores.js';

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;
let far: FarSnapshotter;
let image: string;

before(async () => {
  registry = down.own(await openRegistry());
  const home = down.own(await tempDir());
  far = down.own(await openFarSnapshotter(home.path, 'far'));
  const plugins = { far: { type: 'snapshot', address: far.address } };
  daemon = down.own(await openDaemon({ config: { proxy_plugins: plugins } }));
  const layers = [await makeLayer(await busyboxEntries()), await makeLayer([{ path: 'etc/told', data: 'whole\n' }])];
  image = await registry.push(makeImage({ layers, settings: { Cmd: ['cat', '/etc/told'], Env: ['PATH=/bin'] } }), 'a');
});

after(() => down.run());

/** The calls of one pull and one run, in their order; a fault comes at the `at`th of each. */
const POINTS = [
  ['prepare', 1],
  ['prepare', 2],
  ['prepare', 3],
  ['commit', 1],
  ['commit', 2],
  ['remove', 1],
  ['remove', 2],
] as const;

const pulled = () => runBuilt('dist', daemon, ['pull', '--snapshotter', 'far', image]);
const ran = () => runCommand(ctr, daemon, ['run', '--snapshotter', 'far', '--rm', image]);

/** Does `fault` when the `at`th call of `method` comes or is done, which then fails. */
function failAt(
  { method, at, when }: { readonly method: string; readonly at: number; readonly when: 'before' | 'after' },
  fault: () => Promise<unknown>,
): { readonly done: () => Promise<unknown> } {
  let count = 0;
  let done: Promise<unknown> | undefined;
  far.watch = async (called, point) => {
    if (called !== method || point !== when || (count += 1) !== at) return;
    done = fault();
    await done;
    throw new Error('it is over');
  };
  return {
    done: () => {
      far.watch = undefined;
      return done ?? assert.fail(`no call ${at} of ${method}`);
    },
  };
}

/** Pull, run, remove and collect; whatever comes of each. */
async function wholeLife(): Promise<void> {
  await pulled();
  await ran().catch(() => undefined);
  await runBuilt('dist', daemon, ['rmi', image]);
  using session = sessionOf(daemon);
  await collectGarbage(session).catch(() => undefined);
}

async function assertGoesOn(): Promise<void> {
  await eventually(async () => {
    const { code, stderr } = await pulled();
    assert.equal(code, 0, String(stderr));
  });
  const { stdout, stderr } = await ran();
  assert.equal(stdout, 'whole\n', stderr);
  assert.equal((await runBuilt('dist', daemon, ['rmi', image])).code, 0);
  using session = sessionOf(daemon);
  await collectGarbage(session);
  assert.deepEqual(
    (await far.list(daemon.namespace)).map(({ name }) => name),
    [],
    'nothing stays over there',
  );
}

const CASES = POINTS.flatMap(([method, at]) => (['before', 'after'] as const).map((when) => ({ method, at, when })));

for (const point of CASES) {
  const where = `${point.when} ${point.method} of a proxy, the ${point.at}. time`;
  test(`the daemon is killed ${where}: the next one goes on, and nothing stays`, async () => {
    const fault = failAt(point, () => daemon.kill());
    await wholeLife();
    await fault.done();
    await daemon.start();
    await assertGoesOn();
  });

  test(`a proxy goes away ${where}: all goes on when it is back, and nothing stays`, async () => {
    const fault = failAt(point, async () => {
      // Not awaited: closing waits for this very call.
      setImmediate(() => void far.stop());
      return Promise.resolve();
    });
    await wholeLife();
    await fault.done();
    await far.start();
    await assertGoesOn();
  });
}
