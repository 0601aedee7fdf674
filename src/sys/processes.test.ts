import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { assertRejectsWithKind, assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createDescriptors } from './descriptors.js';
import { createProcesses } from './processes.js';
import { createPrograms } from './programs.js';

const { SIGKILL, SIGTERM } = constants.signals;
const processes = createProcesses();
const descriptors = createDescriptors();
const programs = createPrograms();

/** The number of ptrace(2) here. */
const PTRACE = process.arch === 'arm64' ? '117' : '101';

/** Traces a process (PTRACE_SEIZE) and takes no notice of what happens to it until its own input ends. */
const TRACER = '$| = 1; syscall($ARGV[0] + 0, 0x4206, $ARGV[1] + 0, 0, 0) == 0 or die $!; print "tracing"; <STDIN>';

/** A process whose parent has ended, so that it fell to us. Its descriptor 3 is `input`. */
async function orphan(t: TestContext, body: string, input: number): Promise<number> {
  processes.becomeSubreaper();
  const { stdout } = await programs.run('sh', ['-c', `(${body}) >/dev/null 2>&1 & echo $!`], { extraFds: [input] });
  const pid = Number(stdout.toString());
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return; // it has ended, as it should
    }
    processes.reap(pid);
  });
  return pid;
}

describe('processes', () => {
  test('an orphan is waited for by any number of waiters, reaped once, and its status stays readable', async (t) => {
    using handle = processes.open(await orphan(t, 'exec sleep 1000', 0));
    assert.equal(processes.reap(handle.pid), undefined);
    assert.equal(handle.exitStatus(), undefined);
    const waiting = Promise.all([handle.exited(), handle.exited()]);
    handle.signal(SIGTERM);
    await waiting;
    await handle.exited();
    assert.equal(processes.startTime(handle.pid), undefined);
    assert.deepEqual(processes.reap(handle.pid), { code: 143, signal: SIGTERM });
    assertThrowsWithKind(() => processes.reap(handle.pid), 'not-found', /ECHILD/u);
    assertThrowsWithKind(() => handle.signal(SIGKILL), 'not-found', /ESRCH/u);
    const told = handle.exitStatus();
    if (told !== undefined) assert.deepEqual(told, { code: 143, signal: SIGTERM });
  });

  test('exit codes come through whole', async (t) => {
    for (const code of [0, 1, 127, 255]) {
      const { read, write } = descriptors.pipe();
      using handle = processes.open(await orphan(t, `read line <&3; exit ${code}`, read));
      descriptors.close(read);
      descriptors.close(write);
      await handle.exited();
      assert.deepEqual(processes.reap(handle.pid), { code, signal: 0 });
    }
  });

  test('a child that has ended is waited for until its tracer has let go of it', async () => {
    await using child = await programs.start('cat', [], { stdin: 'pipe' });
    await using tracer = await programs.start('perl', ['-e', TRACER, PTRACE, String(child.pid)], {
      stdin: 'pipe',
      stdout: 'pipe',
    });
    assert.ok(tracer.stdin && tracer.stdout);
    assert.equal(String((await once(tracer.stdout, 'data'))[0]), 'tracing');
    using handle = processes.open(child.pid);
    child.kill('SIGKILL');
    await handle.exited();
    assert.equal(processes.reap(child.pid), undefined);
    tracer.stdin.end();
    assert.deepEqual(await child.ended, { code: 137, signal: 'SIGKILL' });
  });

  test('a thread that hears no signals waits for a tracer, too', async (t) => {
    const pid = await orphan(t, 'exec sleep 1000', 0);
    await using tracer = await programs.start('perl', ['-e', TRACER, PTRACE, String(pid)], {
      stdin: 'pipe',
      stdout: 'pipe',
    });
    assert.ok(tracer.stdin && tracer.stdout);
    await once(tracer.stdout, 'data');
    using handle = processes.open(pid);
    handle.signal(SIGKILL);
    await handle.exited();
    const script = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
        .then(({ register }) => register())
        .then(() => import(${JSON.stringify(new URL('./reaping.ts', import.meta.url).href)}))
        .then(({ reapEnded }) => {
          reapEnded(${pid}).then((status) => parentPort.postMessage(status));
          parentPort.postMessage('waits');
        });`;
    const worker = new Worker(script, { eval: true });
    assert.deepEqual(await once(worker, 'message'), ['waits']);
    tracer.stdin.end();
    assert.deepEqual(await once(worker, 'message'), [SIGKILL]);
  });

  test('a move that is expected writes to the file of the cgroup, and nothing of it stays', async (t) => {
    const dir = await tempDir(t);
    const procs = join(dir.path, 'cgroup.procs');
    descriptors.makeFifo(procs, 0o600);
    await using told = await programs.start('cat', [procs], { stdout: 'pipe' });
    processes.expectMove(procs);
    assert.ok(told.stdout);
    assert.equal(await text(told.stdout), '0');
    assertThrowsWithKind(() => processes.expectMove(join(dir.path, 'nothing')), 'not-found', /nothing/u);
  });

  test('waiting ends with the signal, or with the handle', async () => {
    const handle = processes.open(process.pid);
    const controller = new AbortController();
    const first = handle.exited(controller.signal);
    const second = handle.exited();
    controller.abort(new Error('enough'));
    await assert.rejects(first, /enough/u);
    handle[Symbol.dispose]();
    handle[Symbol.dispose]();
    await assertRejectsWithKind(second, 'canceled');
  });

  test('a number that was given to another process is not taken for the one before', () => {
    const mine = processes.startTime(process.pid) ?? 0n;
    assert.ok(mine > 0n);
    using same = processes.openIfSame(process.pid, mine);
    assert.equal(same?.pid, process.pid);
    assert.equal(processes.openIfSame(process.pid, mine + 1n), undefined);
    assert.equal(processes.openIfSame(2 ** 22 + 1, 1n), undefined);
    assertThrowsWithKind(() => processes.open(2 ** 22 + 1), 'not-found');
  });
});
