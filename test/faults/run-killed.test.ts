import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import type { Incoming } from '../../src/rpc/handlers.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const KILLS = process.env['WHARFD_TEST_FULL'] === '1' ? 60 : 8;
const SERVICE = 'wharfd.services.execution.v1.ExecutionService';

type Summary = Incoming<'wharfd.services.execution.v1.ContainerSummary'>;

test('daemon killed in the middle of a run: the container is there whole, or nothing of it and its id is free', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await pulled(daemon, await registry.push(await makeBusyboxImage(), 'busybox'));
  const snapshots = await snapshotsOf(daemon);
  const started = performance.now();
  await withSession(daemon, (session) => run(session, 'first', image, ['sleep', '1000']));
  const usualMs = Math.ceil(performance.now() - started);
  await withSession(daemon, (session) => remove(session, 'first'));

  const seen = { whole: 0, absent: 0 };
  for (let at = 0; at < KILLS; at++) {
    const id = `k${at}`;
    const [, killed] = await Promise.allSettled([
      withSession(daemon, (session) => run(session, id, image, ['sleep', '1000'])),
      delay(randomInt(usualMs + 20)).then(() => daemon.kill()),
    ]);
    assert.equal(killed.status, 'fulfilled');
    await daemon.start();
    await withSession(daemon, async (session) => {
      const [found] = (await list(session)).filter((row) => row.id === id);
      if (found) {
        seen.whole += 1;
        await assertWhole(found);
      } else {
        seen.absent += 1;
        await run(session, id, image, ['sleep', '1000']);
      }
      await remove(session, id);
    });
  }
  assert.equal(seen.whole + seen.absent, KILLS);
  await assertNothingLeft(daemon.mine);
  await eventually(async () => assert.deepEqual(await snapshotsOf(daemon), snapshots));
});

test('daemon killed under foreground runs: they go on and are removed at their end; one that nobody came for goes', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await pulled(daemon, await registry.push(await makeBusyboxImage(), 'busybox'));
  await withSession(daemon, async (session) => {
    await run(session, 'waiting', image, ['sleep', '1000'], { attach: true });
    await run(session, 'ends', image, ['sleep', '3'], { attach: false });
    await run(session, 'lives', image, ['sleep', '1000'], { attach: false });
  });
  await daemon.kill();
  await daemon.start();
  await withSession(daemon, async (session) => {
    const rows = (await list(session)).map(({ id }) => id);
    assert.ok(!rows.includes('waiting') && rows.includes('lives'));
    await eventually(async () =>
      assert.deepEqual(
        (await list(session)).map(({ id }) => id),
        ['lives'],
      ),
    );
    const tasks = session.service('containerd.services.tasks.v1.Tasks');
    await tasks.kill({ container_id: 'lives', signal: 9, all: true });
    await eventually(async () => assert.deepEqual(await list(session), []));
  });
  await assertNothingLeft(daemon.mine);
});

/** A container that is listed runs, or has been made and not started: then it can be removed like any other. */
async function assertWhole(row: Summary): Promise<void> {
  assert.ok(['CONTAINER_STATUS_RUNNING', 'CONTAINER_STATUS_CREATED'].includes(row.status), row.status);
  await access(`/proc/${row.pid}`);
}

async function run(
  session: Session,
  id: string,
  image: string,
  args: readonly string[],
  foreground?: { readonly attach: boolean },
): Promise<void> {
  await session.service(SERVICE).run({
    ...{ id, image, process: { args: [...args] } },
    ...(foreground && { attach: foreground.attach, remove_on_exit: true }),
  });
}

async function remove(session: Session, id: string): Promise<void> {
  await session.service(SERVICE).remove({ id, force: true });
}

async function list(session: Session): Promise<readonly Summary[]> {
  return (await session.service(SERVICE).list({})).containers;
}

async function withSession<T>(daemon: TestDaemon, work: (session: Session) => Promise<T>): Promise<T> {
  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  return await work(session);
}

async function pulled(daemon: TestDaemon, reference: string): Promise<string> {
  const { code, stderr } = await runBuilt('dist', daemon, ['pull', reference]);
  assert.equal(code, 0, stderr.toString());
  return reference;
}

function snapshotsOf(daemon: TestDaemon): Promise<string[]> {
  return readdir(join(daemon.root, 'overlayfs/snapshots'));
}
