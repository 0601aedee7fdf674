import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeFrame, type Frame, FrameReader, REPLY, REQUEST, words } from '../../src/drivers/runtime-oci/frames.js';
import { LogRecordReader } from '../../src/drivers/runtime-oci/log-records.js';
import { attachToMonitor } from '../../src/drivers/runtime-oci/monitor-attachment.js';
import { MonitorInput } from '../../src/drivers/runtime-oci/monitor-input.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { eventually } from '../support/eventually.js';
import { assertNoMoreDescriptors, openDescriptors } from '../support/leftovers.js';
import { monitorFixture } from '../support/monitor-fixture.js';
import { output } from '../support/run.js';
import { openSmallDisk } from '../support/small-disk.js';

const CRI_LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (?:stdout|stderr) ([FP]) (.*)$/;

/** The output that a log was made from; every line of it must be a record. */
function textOf(log: string): string {
  const records = log.trimEnd().split('\n');
  return records
    .map((record) => {
      const [, tag, text = ''] = CRI_LINE.exec(record) ?? assert.fail(`no record: ${record}`);
      return tag === 'F' ? `${text}\n` : text;
    })
    .join('');
}

test('the exit record is on disk before anybody is told, and the monitor stays until it is told to go', async (t) => {
  const fixture = await monitorFixture(t);
  const child = fixture.start(['--stdin', 'log'], 'read line; exit 7');
  const end = await fixture.connect();
  const { pid, startTime } = await end.created;
  const file = await fixture.json('process.json');
  assert.deepEqual([file['pid'], file['startTime'], file['version']], [pid, startTime, 1]);
  await assert.rejects(fixture.json('exit.json'), /ENOENT/);
  await assertRejectsWithKind(end.connection.request(REQUEST.go), 'failed-precondition', /still there/);
  await end.connection.request(REQUEST.stdin, Buffer.from('go\n'));
  const state = await end.exited;
  const record = await fixture.json('exit.json');
  assert.deepEqual([record['status'], record['signal'], record['exitedAtNs']], [7, 0, state.exitedAtNs]);
  await end.drained;
  assert.equal((await end.connection.state()).phase, 'exited');
  await end.connection.request(REQUEST.go);
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.ok(!(await readdir(fixture.processDir)).includes('control.sock'));
});

test('a runtime that fails, is missing, or lies about the pid is told with its words', async (t) => {
  const cases = [
    [['/bin/sh', '-c', 'echo of no use >&2; exit 3'], 3, /^of no use\n$/],
    [['/no/such/runtime'], 127, /^exec \/no\/such\/runtime: No such file or directory\n$/],
    [['/bin/true'], 255, /the runtime wrote no pid/],
  ] as const;
  for (const [runtime, status, message] of cases) {
    const fixture = await monitorFixture(t);
    const end = await fixture.startConnected(['--stderr', 'log'], runtime);
    const state = await end.failed;
    assert.equal(state.runtimeStatus, status);
    assert.match(state.message, message);
    await assertRejectsWithKind(
      attachToMonitor(fixture.processDir, new MonitorInput(''), { replay: true }),
      'failed-precondition',
    );
    end.connection.close();
    assert.deepEqual(await once(end.child, 'close'), [0, null]);
  }
});

test('told to go while the runtime hangs, it kills the runtime', async (t) => {
  const fixture = await monitorFixture(t);
  const end = await fixture.startConnected([], ['/bin/sleep', '1000']);
  assert.equal(end.greeting.phase, 'creating');
  await end.connection.request(REQUEST.go);
  assert.equal((await end.failed).runtimeStatus, 137);
  assert.deepEqual(await once(end.child, 'close'), [0, null]);
});

test('without a daemon it goes some time after the end; SIGTERM ends it at once, but never before the process', async (t) => {
  const first = await monitorFixture(t);
  const lingering = first.start(['--linger-ms', '200'], 'exit 3');
  assert.deepEqual(await once(lingering, 'close'), [0, null]);
  assert.equal((await first.json('exit.json'))['status'], 3);
  const second = await monitorFixture(t);
  const child = second.start([], 'sleep 1000');
  const end = await second.connect();
  const { pid } = await end.created;
  child.kill('SIGTERM');
  assert.equal((await end.connection.state()).phase, 'created');
  process.kill(pid, 'SIGUSR1');
  assert.equal((await end.exited).status, 128 + 10);
  assert.deepEqual(await once(child, 'close'), [0, null]);
});

test('a greeting without news gets no answer while the runtime runs, and one when it has ended', async (t) => {
  const fixture = await monitorFixture(t);
  const gate = join(fixture.dir, 'gate');
  await output('mkfifo', [gate]);
  const runtime = `read -r _ < ${gate}; exec ${join(fixture.dir, 'fake-runtime')} 'sleep 1000'`;
  await fixture.startConnected([], ['/bin/sh', '-c', runtime]);
  const greet = async () => {
    const socket = await fixture.socket();
    const seen: Frame[] = [];
    const reader = new FrameReader();
    socket.on('data', (bytes: Buffer) => seen.push(...reader.push(bytes)));
    socket.write(encodeFrame(REQUEST.hello, 0, words(1, 1), 1));
    return { socket, seen };
  };
  const early = await greet();
  early.socket.write(encodeFrame(REQUEST.status, 7));
  await eventually(() => assert.equal(early.seen.length, 1));
  assert.deepEqual([early.seen[0]?.type, early.seen[0]?.tag], [REPLY.state, 7]);
  await writeFile(gate, '\n');
  await eventually(() => assert.deepEqual(early.seen[1]?.type, REPLY.created));
  const late = await greet();
  await eventually(() => assert.equal(late.seen.length, 1));
  assert.deepEqual([late.seen[0]?.type, late.seen[0]?.tag], [REPLY.state, 0]);
  for (const { socket } of [early, late]) socket.destroy();
});

test('whoever breaks the protocol is cut off, and the monitor serves the others', async (t) => {
  const fixture = await monitorFixture(t);
  fixture.start([], 'sleep 1000');
  const end = await fixture.connect();
  await end.created;
  const offences = [
    encodeFrame(REQUEST.status, 1),
    encodeFrame(REQUEST.hello, 1, words(1)),
    Buffer.from([REQUEST.hello, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
    Buffer.alloc(100_000, 0x41),
    Buffer.concat([encodeFrame(REQUEST.hello, 1, words(1, 1)), encodeFrame(REQUEST.resize, 2, words(1))]),
    Buffer.concat([encodeFrame(REQUEST.hello, 1, words(1, 1)), encodeFrame(REQUEST.attach, 2, Buffer.alloc(7))]),
  ];
  for (const bytes of offences) {
    const socket = await fixture.socket();
    socket.on('error', () => undefined); // a reset, when bytes were left unread
    socket.resume().write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
  }
  await assertRejectsWithKind(
    end.connection.request(REQUEST.hello, words(2, 9)),
    'failed-precondition',
    /version 1 only/,
  );
  await assertRejectsWithKind(end.connection.request(99), 'unimplemented');
  await assertRejectsWithKind(
    end.connection.request(REQUEST.resize, words(80, 24)),
    'failed-precondition',
    /no terminal/,
  );
  await assertRejectsWithKind(
    end.connection.request(REQUEST.stdin, Buffer.from('x')),
    'failed-precondition',
    /not of the socket/,
  );
  assert.equal((await end.connection.state()).phase, 'created');
});

test('at most 16 connections; sessions that come and go leave no descriptor', async (t) => {
  const fixture = await monitorFixture(t);
  const child = fixture.start(['--stdin', 'log', '--stdout', 'log', '--stderr', 'log'], 'echo out; echo err >&2; cat');
  const end = await fixture.connect();
  await end.created;
  const more = await Promise.all(Array.from({ length: 15 }, () => fixture.connect()));
  const refused = await fixture.socket();
  if (!refused.destroyed) await once(refused.resume(), 'close');
  for (const other of more) other.connection.close();
  const pid = child.pid ?? 0;
  await eventually(async () => assert.equal((await openDescriptors(pid)).get('socket'), 2));
  const before = await openDescriptors(pid);
  const input = new MonitorInput(fixture.processDir);
  for (let round = 0; round < 100; round += 1) {
    await using session = await attachToMonitor(fixture.processDir, input, { replay: true });
    for await (const chunk of session.output) if (chunk.stream === 'stderr') break;
  }
  await assertNoMoreDescriptors(pid, before);
});

test('another user gets no answer, whatever the modes', async (t) => {
  const fixture = await monitorFixture(t);
  fixture.start([], 'sleep 1000');
  const end = await fixture.connect();
  await end.created;
  const socket = join(fixture.processDir, 'control.sock');
  assert.equal((await stat(socket)).mode & 0o777, 0o600);
  for (const path of [fixture.dir, fixture.processDir]) await chmod(path, 0o755);
  await chmod(socket, 0o666);
  const script = `require('node:net').connect(${JSON.stringify(socket)}).on('data', () => process.exit(1)).on('error', () => 0)
    .on('close', () => process.exit(42)).write(Buffer.from([1, 0, 0, 1, 0, 0, 0, 4, 0, 1, 0, 1]))`;
  const stranger = spawn(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, cwd: '/', stdio: 'ignore' });
  assert.deepEqual(await once(stranger, 'close'), [42, null]);
  assert.match(await readFile(join(fixture.processDir, 'monitor.log'), 'utf8'), /refused a connection of uid 65534/);
});

test('output that nobody takes goes to a bounded log in CRI format, which tells what it does not have', async (t) => {
  const fixture = await monitorFixture(t);
  const log = join(fixture.dir, 'output.log');
  fixture.start(
    ['--stdout', 'log', '--stderr', 'log', '--log', log, '--log-bytes', '100000', '--log-files', '3'],
    'seq 1 50000',
  );
  const end = await fixture.connect();
  await end.drained;
  const names = (await readdir(fixture.dir)).filter((name) => name.startsWith('output.log.'));
  const numbers = names.map((name) => Number(name.slice('output.log.'.length))).sort((a, b) => a - b);
  assert.equal(numbers.length, 2, names.join());
  const reader = new LogRecordReader(0);
  const records = [];
  for (const path of [...numbers.map((number) => `${log}.${number}`), log]) {
    const bytes = await readFile(path);
    assert.ok(bytes.length <= 100_000, `${path}: ${bytes.length} bytes`);
    records.push(...reader.push(bytes));
  }
  const whole = linesTo(50_000);
  const kept = Buffer.concat(records.map((record) => ('bytes' in record ? record.bytes : Buffer.alloc(0)))).toString();
  const missing = records.reduce((sum, record) => sum + ('bytes' in record ? 0 : record.missingBytes), 0);
  assert.ok(whole.endsWith(kept));
  assert.equal(missing, whole.length - kept.length);
});

test('a monitor goes on with the log of one before it, and after a line that a power cut has torn', async (t) => {
  const whole = linesTo(20_000);
  const fixture = await monitorFixture(t);
  const log = join(fixture.dir, 'output.log');
  const options = ['--stdout', 'log', '--log', log, '--log-bytes', '100000', '--log-files', '100'];
  const child = fixture.start(options, 'seq 1 20000');
  const ended = once(child, 'exit'); // until then its socket takes connections
  const first = await fixture.connect();
  await first.drained;
  await first.connection.request(REQUEST.go);
  await ended;
  const size = (await stat(log)).size;
  await writeFile(log, '2026-01-01T00:00:00.0', { flag: 'a' }); // torn by a power cut
  fixture.start(options, 'seq 1 20000');
  const second = await fixture.connect();
  await second.drained;
  const names = (await readdir(fixture.dir)).filter((name) => /^output\.log\.\d+$/.test(name));
  const numbers = names.map((name) => Number(name.slice('output.log.'.length))).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => at + 1),
  );
  assert.ok(size < 100_000);
  const reader = new LogRecordReader(0);
  const records = [];
  for (const path of [...numbers.map((number) => `${log}.${number}`), log]) {
    records.push(...reader.push(await readFile(path)));
  }
  assert.ok(records.every((record) => 'bytes' in record));
  const text = Buffer.concat(records.map((record) => record.bytes)).toString();
  assert.equal(text, whole + whole);
});

test('an onlooker that does not read is cut off, and the process goes on; any other reader is waited for', async (t) => {
  const fixture = await monitorFixture(t);
  const options = ['--stdout', 'attach', '--stall-ms', '300', '--log', join(fixture.dir, 'output.log'), '--log-all'];
  fixture.start(options, 'head -c 8000000 /dev/zero');
  const end = await fixture.connect();
  await end.created;
  const attached = async (flags: number): Promise<Socket> => {
    const socket = await fixture.socket();
    socket.pause();
    socket.write(encodeFrame(REQUEST.hello, 1, words(1, 1)));
    socket.write(encodeFrame(REQUEST.attach, 2, Buffer.from([flags, 0, 0, 0, 0, 0, 0, 0])));
    return socket;
  };
  const [patient, onlooker] = [await attached(0), await attached(2)];
  const closed = once(onlooker, 'close');
  assert.equal(await Promise.race([end.exited.then(() => 'ended'), pause(1500, 'waits')]), 'waits');
  patient.destroy();
  assert.equal((await end.exited).status, 0);
  onlooker.resume();
  await closed;
});

test('output waits for a first reader for the grace time only', async (t) => {
  const fixture = await monitorFixture(t);
  const log = join(fixture.dir, 'output.log');
  fixture.start(
    ['--stdout', 'attach', '--log', log, '--log-bytes', '9999999', '--reader-grace-ms', '500'],
    'seq 1 30000',
  );
  const end = await fixture.connect();
  assert.equal(await Promise.race([end.exited.then(() => 'ended'), pause(200, 'waits')]), 'waits');
  assert.equal((await end.exited).status, 0);
  await end.drained;
  assert.equal(textOf(await readFile(log, 'utf8')), linesTo(30_000));
});

const FULL = [
  { how: 'in one file', bytesMax: 9_999_999, ending: '' },
  { how: 'where a new file begins', bytesMax: 8192, ending: '.1' },
];

for (const { how, bytesMax, ending } of FULL) {
  test(`on a disk that stays full to the end the last records give way to the mark of what is lost: ${how}`, async (t) => {
    const fixture = await monitorFixture(t);
    const disk = await openSmallDisk(16 << 20, ['-b', '4096']);
    t.after(() => disk[Symbol.asyncDispose]());
    const log = join(disk.path, 'output.log');
    const [gate, first, whole] = [join(fixture.dir, 'gate'), linesTo(100), linesTo(3000)];
    const options = ['--stdout', 'log', '--log', log, '--log-bytes', String(bytesMax), '--log-files', '5'];
    // The shell writes line by line.
    const script = `mkfifo ${gate}; n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo $n; [ $n = 100 ] && read x < ${gate}; done; :`;
    const end = await fixture.startConnected(options, [join(fixture.dir, 'fake-runtime'), script]);
    await eventually(async () => assert.equal(textOf(await readFile(log, 'utf8')), first));
    await disk.fill();
    await writeFile(gate, 'go\n');
    assert.equal((await end.exited).status, 0);
    await end.drained;
    const bytes = await readFile(`${log}${ending}`);
    const records = new LogRecordReader(0).push(bytes);
    assert.equal(bytes.toString().split('\n').length - 1, records.length, 'every line is a record');
    const kept = Buffer.concat(
      records.map((record) => ('bytes' in record ? record.bytes : Buffer.alloc(0))),
    ).toString();
    const missing = records.reduce((sum, record) => sum + ('bytes' in record ? 0 : record.missingBytes), 0);
    assert.ok(kept.startsWith(first.slice(0, first.length / 2)));
    assert.equal(kept.length + missing, whole.length);
  });
}

test('a process that does not read stdin holds up its writer only', async (t) => {
  const fixture = await monitorFixture(t);
  fixture.start(['--stdin', 'log'], 'exec 3<&0; sleep 1000');
  const end = await fixture.connect();
  await end.created;
  const input = new MonitorInput(fixture.processDir);
  const writing = input.write(Buffer.alloc(1 << 20)).then(
    () => 'written',
    () => 'refused',
  );
  assert.equal(await Promise.race([writing, pause(200, 'waits')]), 'waits');
  await input.close();
  const { pid } = await end.connection.state();
  process.kill(pid, 'SIGKILL');
  assert.equal((await end.exited).status, 137);
  await end.connection.request(REQUEST.go);
  await end.closed;
  assert.match(await writing, /written|refused/);
  input.dispose();
});

/** What `seq 1 count` writes. */
function linesTo(count: number): string {
  return Array.from({ length: count }, (_, at) => `${at + 1}\n`).join('');
}
