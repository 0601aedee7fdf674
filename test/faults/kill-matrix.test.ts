import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listContainers, type ContainerSummary } from '../../src/client/execution.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { isAlive, KILLED, KilledContainer, LET_GO, STOPPED } from '../support/killed-container.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const ROUNDS = process.env['WHARFD_TEST_FULL'] === '1' ? 10 : 1;
const VICTIMS = ['daemon', 'client', 'monitor', 'container', 'all'] as const;
const MOMENTS = ['before start', 'running', 'exiting', 'stopping'] as const;
const SIGTERM = 15;

type Victim = (typeof VICTIMS)[number];
type Moment = (typeof MOMENTS)[number];
type Reaper = 'monitor' | 'daemon';

for (const reaper of ['monitor', 'daemon'] as const) {
  test(`killed at any moment, with the ${reaper} as reaper: what is told of a container is true`, async (t) => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon({ config: { reaper } });
    const image = await registry.push(await makeBusyboxImage(), 'busybox');
    const { code, stderr } = await runBuilt('dist', daemon, ['pull', image]);
    assert.equal(code, 0, stderr.toString());
    for (let round = 0; round < ROUNDS; round++) {
      for (const victim of VICTIMS.filter((each) => each !== 'monitor' || reaper === 'monitor')) {
        for (const moment of MOMENTS) {
          const id = `${victim}-${moment.replace(' ', '-')}-${round}`;
          await t.test(`${victim} killed ${moment}`, () => cell(daemon, { id, image, reaper, victim, moment }));
        }
      }
    }
  });
}

interface Cell {
  readonly id: string;
  readonly image: string;
  readonly reaper: Reaper;
  readonly victim: Victim;
  readonly moment: Moment;
}

async function cell(daemon: TestDaemon, { id, image, reaper, victim, moment }: Cell): Promise<void> {
  let session = sessionTo(daemon);
  try {
    const container = await KilledContainer.create(daemon, session, id, image);
    const { pid } = await rowOf(session, id);
    if (moment !== 'before start') await container.start();
    if (moment === 'exiting') await container.letGo(pid);
    if (moment === 'stopping') await signal(session, id, SIGTERM);
    const monitor = reaper === 'monitor' ? await container.monitorPid().catch(() => 0) : 0;
    await kill(daemon, container, victim, { pid, monitor });
    if (victim === 'daemon' || victim === 'all') {
      session.close();
      await daemon.start();
      session = sessionTo(daemon);
    }
    await assertRowIsTrue(session, id);
    await bringToItsEnd(session, container, { pid, moment });
    const row = await eventually(async () => {
      const found = await rowOf(session, id);
      assert.equal(found.status, 'stopped');
      return found;
    });
    await assertRowIsTrue(session, id);
    assertStatusIsTrue(row, await container.word(), { reaper, victim });
    await container.killClient();
    await session.service('wharfd.services.execution.v1.ExecutionService').remove({ id, force: true });
    assert.deepEqual(await listContainers(session), []);
    await assertNothingLeft({ ...daemon.mine, dirs: [daemon.state] });
  } finally {
    session.close();
  }
}

async function kill(
  daemon: TestDaemon,
  container: KilledContainer,
  victim: Victim,
  { pid, monitor }: { readonly pid: number; readonly monitor: number },
): Promise<void> {
  const deaths = {
    daemon: () => daemon.kill(),
    client: () => container.killClient(),
    monitor: () => killProcess(monitor),
    container: () => killProcess(pid),
  };
  const chosen = victim === 'all' ? Object.values(deaths) : [deaths[victim]];
  await Promise.all(chosen.map((death) => death()));
}

/** What has ended already can't be killed: that is one of the outcomes. */
async function killProcess(pid: number): Promise<void> {
  if (pid === 0 || !(await isAlive(pid))) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    assert.equal((cause as NodeJS.ErrnoException).code, 'ESRCH');
  }
  // It may take a moment: nobody is to take it for alive meanwhile.
  await eventually(async () => assert.equal(await isAlive(pid), false));
}

/** Whatever is still there is started if need be, and let go. */
async function bringToItsEnd(
  session: Session,
  container: KilledContainer,
  { pid, moment }: { readonly pid: number; readonly moment: Moment },
): Promise<void> {
  if (!(await isAlive(pid))) return;
  if (moment === 'before start') {
    await session.service('containerd.services.tasks.v1.Tasks').start({ container_id: container.id });
    await container.up();
  }
  if (moment === 'before start' || moment === 'running') await container.letGo(pid);
}

/** `ctr list` and /proc say the same, as soon as an end had the time to be told. */
async function assertRowIsTrue(session: Session, id: string): Promise<void> {
  await eventually(async () => {
    const row = await rowOf(session, id);
    assert.equal(await isAlive(row.pid), row.status !== 'stopped', `${row.status}, pid ${row.pid}`);
  });
}

/** The status is the one of the way that the process took; unknown, with a reason, only where its reaper was killed. */
function assertStatusIsTrue(
  row: ContainerSummary,
  word: string | undefined,
  { reaper, victim }: { readonly reaper: Reaper; readonly victim: Victim },
): void {
  const said = JSON.stringify({ ...row, word });
  if (row.exitUnknown !== undefined) {
    assert.ok(victim === reaper || victim === 'all', said);
    assert.ok(row.exitStatus === 255 && row.exitUnknown.length > 0, said);
    return;
  }
  const own = word === 'gate' ? LET_GO : word === 'term' ? STOPPED : KILLED;
  const mayBeKilled = victim === 'container' || victim === 'all';
  assert.ok(row.exitStatus === own || (mayBeKilled && row.exitStatus === KILLED), said);
  assert.ok(own !== KILLED || mayBeKilled, said);
}

function sessionTo({ address, namespace }: TestDaemon): Session {
  return openSession({ address, namespace });
}

async function signal(session: Session, id: string, number: number): Promise<void> {
  await session.service('containerd.services.tasks.v1.Tasks').kill({ container_id: id, signal: number });
}

async function rowOf(session: Session, id: string): Promise<ContainerSummary> {
  return (await listContainers(session)).find((row) => row.id === id) ?? assert.fail(`${id} is not listed`);
}
