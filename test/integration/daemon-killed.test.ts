import assert from 'node:assert/strict';
import { access, open } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { ctr } from '../../src/cli/ctr/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const STATUSES = [0, 1, 7, 42, 127, 128, 200, 254, 255, 3];
const WHILE_DOWN = 5;

test('daemon killed: ten containers go on, and what ended while it was down is known after its restart', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  await using gates = await tempDir();
  const reference = await registry.push(await makeBusyboxImage(), 'busybox');
  const pulled = await runBuilt('dist', daemon, ['pull', reference]);
  assert.equal(pulled.code, 0, pulled.stderr.toString());

  const gate = (at: number): string => join(gates.path, `gate-${at}`);
  for (const [at, status] of STATUSES.entries()) {
    await output('mkfifo', [gate(at)]);
    const mount = `type=bind,src=${gates.path},dst=/gates,options=rbind:rw`;
    const script = `read -r line < /gates/gate-${at}; exit ${status}`;
    await told(daemon, ['run', '-d', '--id', `c${at}`, '--mount', mount, reference, 'sh', '-c', script]);
  }
  const running = await listed(daemon);
  assert.deepEqual(
    running,
    STATUSES.map((_, at) => ({ id: `c${at}`, pid: running[at]?.pid, status: 'RUNNING', exit: '-' })),
  );

  await daemon.kill();
  const early = running.slice(0, WHILE_DOWN);
  await Promise.all(early.map((_, at) => letGo(gate(at))));
  for (const { pid } of early) await eventually(() => assert.rejects(access(`/proc/${pid}/exe`)));
  await daemon.start();

  const expected = running.map((row, at) => {
    return at < WHILE_DOWN ? { ...row, pid: '0', status: 'STOPPED', exit: String(STATUSES[at]) } : row;
  });
  assert.deepEqual(await listed(daemon), expected);

  await Promise.all(STATUSES.slice(WHILE_DOWN).map((_, at) => letGo(gate(at + WHILE_DOWN))));
  await eventually(async () => {
    const wanted = running.map((row, at) => ({ ...row, pid: '0', status: 'STOPPED', exit: String(STATUSES[at]) }));
    assert.deepEqual(await listed(daemon), wanted);
  });
  await told(daemon, ['delete', ...STATUSES.map((_, at) => `c${at}`)]);
  assert.deepEqual(await listed(daemon), []);
  await assertNothingLeft(daemon.mine);
});

/** Opens the other end of the FIFO that a container waits at. */
async function letGo(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.write('go\n');
  await file.close();
}

interface Row {
  readonly id: string;
  readonly pid: string;
  readonly status: string;
  readonly exit: string;
}

/** The rows of `ctr list`, by id. */
async function listed(daemon: TestDaemon): Promise<Row[]> {
  const lines = (await told(daemon, ['list'])).trimEnd().split('\n').slice(1);
  const rows = lines.map((line) => line.split(/ {2,}/));
  return rows
    .map(([id = '', pid = '', status = '', , exit = '']) => ({ id, pid, status, exit }))
    .sort((one, other) => one.id.localeCompare(other.id));
}

async function told(daemon: TestDaemon, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}
