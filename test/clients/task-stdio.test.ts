import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { Channel } from '../../src/rpc/channel.js';
import { messages, wholeSchema } from '../../src/rpc/whole.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { makeBusyboxTree } from '../support/busybox-tree.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

// What clients of the tasks service see of processes and their streams, as no suite of a port can show it: over the socket.
const SPEC = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
const PROCESS = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
const down = new Teardown();
let daemon: TestDaemon;
let channel: Channel;
let tree: string;
/** Of the client. */
let own: string;

before(async () => {
  daemon = down.own(await openDaemon());
  own = down.own(await tempDir()).path;
  tree = await makeBusyboxTree(join(own, 'tree'));
  channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  down.add(() => {
    channel[Symbol.dispose]();
  });
});

after(() => down.run());

const tasksOf = () => channel.service('containerd.services.tasks.v1.Tasks');

interface Spec {
  readonly process: { readonly args: readonly string[]; readonly terminal?: boolean };
}

interface Wishes {
  readonly terminal?: boolean;
  readonly runtimeOptions?: ReturnType<typeof options>;
}

/** Stores a container that runs a script of the shell, as a client does that makes its parts itself. */
async function makeContainer(id: string, script: string, wishes: Wishes = {}): Promise<Spec> {
  const args = ['run', '--print-spec', '--id', id, '--rootfs', tree, 'sh', '-c', script];
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.equal(code, 0, stderr);
  const printed = JSON.parse(stdout) as Spec;
  const { terminal = false, runtimeOptions } = wishes;
  const spec = { ...printed, process: { ...printed.process, terminal } };
  const value = Buffer.from(JSON.stringify(spec));
  await channel.service('containerd.services.containers.v1.Containers').create({
    container: {
      id,
      runtime: { name: 'io.containerd.runc.v2', ...(runtimeOptions && { options: runtimeOptions }) },
      spec: { type_url: SPEC, value },
    },
  });
  return spec;
}

function rootfs() {
  return [{ type: 'bind', source: tree, options: ['rbind', 'rw'] }];
}

async function remove(id: string): Promise<void> {
  await channel.service('containerd.services.containers.v1.Containers').delete({ id });
  await assertNothingLeft(daemon.mine);
}

async function fifo(name: string): Promise<string> {
  const path = join(own, name);
  await output('mkfifo', [path]);
  return path;
}

function options(fields: Readonly<Record<string, unknown>>) {
  return messages.pack('containerd.runc.v1.Options', fields);
}

/** runc, but each of its commands named in `held` waits for a line in a FIFO first, and has told before by a file that it does. */
async function heldRuntime(
  held: string,
): Promise<{ path: string; reached: () => Promise<unknown>; go: () => Promise<void> }> {
  const gate = await fifo(`gate-${held}`);
  const path = join(own, `runc-${held}`);
  const text = `#!/bin/sh\nfor word; do [ "$word" = ${held} ] && { : > ${gate}.reached; read line < ${gate}; break; }; done\nexec runc "$@"\n`;
  await writeFile(path, text, { mode: 0o755 });
  return {
    path,
    reached: () => eventually(() => readFile(`${gate}.reached`)),
    go: async () => {
      const writer = await open(gate, 'w');
      await writer.write('go\n');
      await writer.close();
    },
  };
}

test('an exit is told when the process is reaped, though its output is held open; its deletion waits ten seconds for that', async () => {
  const tasks = tasksOf();
  const { process } = await makeContainer('held', 'sleep 1000');
  await tasks.create({ container_id: 'held', rootfs: rootfs() });
  await tasks.start({ container_id: 'held' });
  const stdout = await fifo('held-out');
  const reading = createReadStream(stdout).resume();
  const ended = once(reading, 'close');
  const args = ['sh', '-c', 'sleep 999 & echo left; exit 4'];
  const spec = { type_url: PROCESS, value: Buffer.from(JSON.stringify({ ...process, args })) };
  await tasks.exec({ container_id: 'held', exec_id: 'e', stdout, spec });
  await tasks.start({ container_id: 'held', exec_id: 'e' });
  assert.equal((await tasks.wait({ container_id: 'held', exec_id: 'e' })).exit_status, 4);
  assert.equal((await tasks.get({ container_id: 'held', exec_id: 'e' })).process?.status, 'STOPPED');
  assert.equal(reading.readableEnded, false, 'its child has the output');
  const deletion = await tasks.deleteProcess({ container_id: 'held', exec_id: 'e' });
  assert.deepEqual([deletion.id, deletion.exit_status], ['e', 4]);
  await assertRejectsWithKind(tasks.delete({ container_id: 'held' }), 'unknown', /cannot delete a running process/u);
  await tasks.kill({ container_id: 'held', signal: 9, all: true });
  await tasks.wait({ container_id: 'held' });
  assert.equal((await tasks.delete({ container_id: 'held' })).id, '');
  await ended;
  await remove('held');
});

test('a client that goes away aborts neither a creation nor a deletion half way', async () => {
  const tasks = tasksOf();
  const [creation, deletion] = [await heldRuntime('create'), await heldRuntime('delete')];
  await makeContainer('alone', 'exit 7');
  const leaving = async (call: (signal: AbortSignal) => Promise<unknown>, held: typeof creation) => {
    const client = new AbortController();
    const refused = assertRejectsWithKind(call(client.signal), 'canceled');
    await held.reached();
    client.abort();
    await refused;
    await held.go();
  };
  const request = { container_id: 'alone', rootfs: rootfs(), options: options({ binary_name: creation.path }) };
  await leaving((signal) => tasks.create(request, { signal }), creation);
  const made = await eventually(() => tasks.get({ container_id: 'alone' }));
  assert.equal(made.process?.status, 'CREATED');
  await tasks.kill({ container_id: 'alone', signal: 9 });
  await tasks.wait({ container_id: 'alone' });
  await tasks.delete({ container_id: 'alone' });

  await tasks.create({
    container_id: 'alone',
    rootfs: rootfs(),
    options: options({ binary_name: deletion.path }),
  });
  await tasks.start({ container_id: 'alone' });
  assert.equal((await tasks.wait({ container_id: 'alone' })).exit_status, 7);
  await leaving((signal) => tasks.delete({ container_id: 'alone' }, { signal }), deletion);
  await eventually(() => assertRejectsWithKind(tasks.get({ container_id: 'alone' }), 'not-found'));
  await remove('alone');
});

test('options of a task: they replace the container’s; their root and owner of the streams hold for all that comes later', async () => {
  const tasks = tasksOf();
  await makeContainer('opts', 'stat -L -c %u:%g /proc/self/fd/1; sleep 1000', {
    runtimeOptions: options({ binary_name: '/no/such/runtime' }),
  });
  await assertRejectsWithKind(
    tasks.create({ container_id: 'opts', rootfs: rootfs() }),
    'unknown',
    /no\/such\/runtime/u,
  );
  const root = join(own, 'runc-root');
  await mkdir(root);
  const stdout = await fifo('opts-out');
  const said: Buffer[] = [];
  createReadStream(stdout).on('data', (bytes) => said.push(Buffer.from(bytes)));
  await tasks.create({
    ...{ container_id: 'opts', rootfs: rootfs(), stdout },
    options: options({ root, io_uid: 33, io_gid: 44 }),
  });
  assert.deepEqual(await readdir(join(root, daemon.namespace)), ['opts']);
  await tasks.start({ container_id: 'opts' });
  // runc gives it to the user of the process afterwards, and leaves the group.
  await eventually(() => assert.equal(Buffer.concat(said).toString(), '0:44\n'));
  await daemon.kill();
  await daemon.start();
  await tasks.pause({ container_id: 'opts' });
  await tasks.resume({ container_id: 'opts' });
  await tasks.kill({ container_id: 'opts', signal: 9 });
  await tasks.wait({ container_id: 'opts' });
  await tasks.delete({ container_id: 'opts' });
  assert.deepEqual(await readdir(join(root, daemon.namespace)), []);
  await remove('opts');
});

test('a terminal takes no path for stderr, and stdin is closed as often as anybody likes', async () => {
  const tasks = tasksOf();
  await makeContainer('tty', 'tty; read line; echo "got $line"', { terminal: true });
  const [stdin, stdout] = [await fifo('tty-in'), await fifo('tty-out')];
  const said: Buffer[] = [];
  const reading = createReadStream(stdout).on('data', (bytes) => said.push(Buffer.from(bytes)));
  const ended = once(reading, 'close');
  await tasks.create({
    ...{ container_id: 'tty', rootfs: rootfs(), stdin, stdout, stderr: '/no/such/fifo', terminal: true },
  });
  await tasks.start({ container_id: 'tty' });
  const writer = await open(stdin, 'w');
  await tasks.closeIO({ container_id: 'tty', stdin: true });
  await tasks.closeIO({ container_id: 'tty', stdin: true });
  await writer.write('typed\n');
  assert.equal((await tasks.wait({ container_id: 'tty' })).exit_status, 0);
  await writer.close();
  await ended;
  // The terminal may echo what is typed before the program says anything.
  assert.match(Buffer.concat(said).toString(), /^(typed\r\n)?\/dev\/pts\/0\r\n[^]*got typed\r\n$/u);
  await tasks.closeIO({ container_id: 'tty', stdin: true });
  await tasks.delete({ container_id: 'tty' });
  await remove('tty');
});

test('what the runtime says when it can not start a process is told word for word', async () => {
  const tasks = tasksOf();
  await makeContainer('bad', 'true');
  const path = join(own, 'runc-bad');
  const log = `log=; for word; do [ "$last" = --log ] && log=$word; last=$word; done`;
  const say = `[ "$word" = start ] && { echo '{"level":"error","msg":"no such luck"}' >> "$log"; exit 1; }`;
  await writeFile(path, `#!/bin/sh\n${log}\nfor word; do ${say}; done\nexec runc "$@"\n`, { mode: 0o755 });
  await tasks.create({ container_id: 'bad', rootfs: rootfs(), options: options({ binary_name: path }) });
  await assertRejectsWithKind(
    tasks.start({ container_id: 'bad' }),
    'unknown',
    /OCI runtime start failed: no such luck/u,
  );
  await tasks.kill({ container_id: 'bad', signal: 9 }).catch(() => undefined);
  await tasks.wait({ container_id: 'bad' });
  await tasks.delete({ container_id: 'bad' });
  await remove('bad');
});
