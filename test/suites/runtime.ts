import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { eventually } from '../support/eventually.js';
import { type FixtureSettings, readAll, runtimeFixture } from '../support/runtime-fixture.js';

const NO_STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };
const SIGTERM = 15;
const SIGKILL = 9;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The port's contract on real runc or crun, whoever is the parent of the processes. */
export function runtimeSuite(name: string, settings: FixtureSettings): void {
  for (const code of [0, 1, 7, 255]) {
    test(`${name}: exit code ${code}`, async (t) => {
      const fixture = await runtimeFixture(t, settings);
      const before = BigInt(Date.now()) * 1_000_000n;
      const process = await fixture.create('c', ['sh', '-c', `exit ${code}`]);
      assert.ok(process.pid > 1);
      await fixture.runtime.start(process.key);
      const exit = await process.exited;
      assert.deepEqual([exit.status, exit.unknown, exit.oomKilled], [code, false, false]);
      assert.ok(exit.exitedAtNs >= before && exit.exitedAtNs <= BigInt(Date.now() + 1000) * 1_000_000n);
      await process.drained;
      await fixture.remove(process);
      assert.deepEqual(await fixture.runtime.inventory(), []);
    });
  }

  test(`${name}: a process that is killed has status 128 + signal, and then nothing to kill`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    for (const [id, signal, all] of [
      ['a', SIGTERM, false],
      ['b', SIGKILL, false],
      ['c', SIGKILL, true],
    ] as const) {
      const process = await fixture.create(id, ['sleep', '1000'], { namespaces: ['mount', 'ipc', 'uts', 'network'] });
      await fixture.runtime.start(process.key);
      await fixture.runtime.kill(process.key, signal, all);
      assert.equal((await process.exited).status, 128 + signal);
      await assertRejectsWithKind(
        fixture.runtime.kill(process.key, signal, false),
        'not-found',
        /process already finished/,
      );
      await fixture.remove(process);
    }
  });

  test(`${name}: one that was created and never started can be killed and deleted`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const process = await fixture.create('c', ['true']);
    await fixture.runtime.kill(process.key, SIGKILL, false);
    assert.equal((await process.exited).status, 137);
    await fixture.remove(process);
  });

  test(`${name}: a megabyte on each stream arrives whole, and the FIFOs end`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const [stdout, stderr] = [await fixture.fifo('out'), await fixture.fifo('err')];
    const reading = Promise.all([readAll(stdout), readAll(stderr)]);
    const script = 'cat /random-out & cat /random-err >&2; wait; exit 3';
    const process = await fixture.create('c', ['sh', '-c', script], { stdio: { ...NO_STDIO, stdout, stderr } });
    await fixture.runtime.start(process.key);
    const [out, err] = await reading;
    assert.equal(sha256(out), sha256(await readFile(join(fixture.rootfs, 'random-out'))));
    assert.equal(sha256(err), sha256(await readFile(join(fixture.rootfs, 'random-err'))));
    assert.equal((await process.exited).status, 3);
    await process.drained;
    await fixture.remove(process);
  });

  test(`${name}: output waits for a reader that comes late, and one that is slow holds the process up`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const stdout = await fixture.fifo('out');
    const process = await fixture.create('c', ['cat', '/random-out'], { stdio: { ...NO_STDIO, stdout } });
    await fixture.runtime.start(process.key);
    const ended = process.exited.then(() => 'ended');
    assert.equal(await Promise.race([ended, pause(300, 'waits')]), 'waits');
    const reader = await open(stdout, 'r');
    const first = Buffer.alloc(1000);
    await reader.read(first, 0, 1000);
    assert.equal(await Promise.race([ended, pause(300, 'waits')]), 'waits');
    const chunks: Buffer[] = [first];
    for await (const chunk of reader.createReadStream()) chunks.push(chunk as Buffer);
    assert.equal(sha256(Buffer.concat(chunks)), sha256(await readFile(join(fixture.rootfs, 'random-out'))));
    assert.equal((await process.exited).status, 0);
    await process.drained;
    await fixture.remove(process);
  });

  test(`${name}: a reader that goes does not stop the process, and the next one gets the newest bytes`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const stdout = await fixture.fifo('out');
    const process = await fixture.create('c', ['cat', '/random-out'], { stdio: { ...NO_STDIO, stdout } });
    const opening = open(stdout, 'r');
    await fixture.runtime.start(process.key);
    const reader = await opening;
    await reader.read(Buffer.alloc(10), 0, 10);
    await reader.close();
    assert.equal((await process.exited).status, 0);
    await process.drained;
    const kept = await readAll(stdout);
    const whole = await readFile(join(fixture.rootfs, 'random-out'));
    assert.ok(kept.length >= 65_536, `${kept.length} bytes were kept`);
    assert.deepEqual(kept.subarray(-65_536), whole.subarray(-65_536));
    await fixture.remove(process);
  });

  test(`${name}: stdin stays open while clients come and go, and ends after closeStdin`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const [stdin, stdout] = [await fixture.fifo('in'), await fixture.fifo('out')];
    const reading = readAll(stdout);
    const process = await fixture.create('c', ['cat'], { stdio: { ...NO_STDIO, stdin, stdout } });
    await fixture.runtime.start(process.key);
    for (const text of ['first ', 'second ']) {
      const writer = await open(stdin, 'w');
      await writer.write(text);
      await writer.close();
    }
    const writer = createWriteStream(stdin);
    await once(writer, 'open');
    await process.closeStdin();
    await process.closeStdin();
    writer.end('third');
    assert.equal((await reading).toString(), 'first second third');
    assert.equal((await process.exited).status, 0);
    await fixture.remove(process);
  });

  test(`${name}: equal paths of a file are one, appended to; empty paths are /dev/null`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const file = join(fixture.dir, 'output');
    const stdio = { ...NO_STDIO, stdout: `file://${file}`, stderr: `file://${file}` };
    for (const id of ['a', 'b']) {
      const process = await fixture.create(id, ['sh', '-c', `echo ${id}; echo ${id} >&2; readlink /proc/self/fd/0`], {
        stdio,
      });
      await fixture.runtime.start(process.key);
      await process.exited;
      await process.drained;
      await fixture.remove(process);
    }
    assert.equal(await readFile(file, 'utf8'), 'a\na\n/dev/null\nb\nb\n/dev/null\n');
  });

  test(`${name}: a process without root opens /dev/stdout anew, and has no descriptor but its three`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const stdout = await fixture.fifo('out');
    const reading = readAll(stdout);
    const process = await fixture.create(
      'c',
      ['sh', '-c', 'echo again > /proc/self/fd/1; ls /proc/self/fd | tr "\\n" " "'],
      {
        stdio: { ...NO_STDIO, stdout },
        user: { uid: 1000, gid: 1000 },
        options: { ioUid: 1000, ioGid: 1000 },
      },
    );
    await fixture.runtime.start(process.key);
    assert.equal((await reading).toString(), 'again\n0 1 2 3 ');
    await fixture.remove(process);
  });

  test(`${name}: a terminal takes a size before and after start, and what is typed`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const [stdin, stdout] = [await fixture.fifo('in'), await fixture.fifo('out')];
    const process = await fixture.create(
      'c',
      ['sh', '-c', 'trap "stty size" WINCH; tty; stty size; read x; read y; echo "$x"; exit 5'],
      {
        terminal: true,
        stdio: { stdin, stdout, stderr: join(fixture.dir, 'nowhere'), terminal: true },
      },
    );
    await process.resize(80, 24);
    const reader = createReadStream(stdout);
    let text = '';
    reader.on('data', (bytes) => (text += bytes.toString()));
    const ended = once(reader, 'close');
    await fixture.runtime.start(process.key);
    await eventually(() => assert.match(text, /\/dev\/pts\/0\r\n24 80\r\n/));
    await process.resize(132, 43);
    const writer = await open(stdin, 'w');
    await writer.write('typed\nmore\n');
    await ended;
    await writer.close();
    assert.match(text, /typed\r\n/);
    assert.equal((await process.exited).status, 5);
    await fixture.remove(process);
  });

  test(`${name}: an exec has a status and streams of its own; init's end ends it`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const init = await fixture.create('c', ['sleep', '1000']);
    await fixture.runtime.start(init.key);
    const stdout = await fixture.fifo('out');
    const reading = readAll(stdout);
    const first = await fixture.runtime.exec({
      ...fixture.key('c', 'e1'),
      process: fixture.process(['sh', '-c', 'echo inside; exit 9']),
      stdio: { ...NO_STDIO, stdout },
    });
    assert.equal((await reading).toString(), 'inside\n');
    assert.equal((await first.exited).status, 9);
    await first.release();
    const second = await fixture.runtime.exec({
      ...{ ...fixture.key('c', 'e2'), process: fixture.process(['sleep', '1000']), stdio: NO_STDIO },
    });
    assert.deepEqual([...(await fixture.runtime.pids(init.key))].sort(), [init.pid, second.pid].sort());
    await fixture.runtime.kill(init.key, SIGKILL, false);
    assert.equal((await second.exited).status, 137);
    await second.release();
    await fixture.remove(init);
  });

  test(`${name}: what the runtime says of a bad program reaches the caller, and nothing is left`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    await assertRejectsWithKind(
      fixture.create('c', ['no-such-program']),
      'unknown',
      settings.binary === 'crun'
        ? /^OCI runtime create failed: executable file `no-such-program` not found in \$PATH/
        : /^OCI runtime create failed: runc create failed: .*"no-such-program": executable file not found in \$PATH$/,
    );
    assert.deepEqual(await fixture.runtime.inventory(), []);
    const init = await fixture.create('c', ['sleep', '1000']);
    await fixture.runtime.start(init.key);
    await assertRejectsWithKind(
      fixture.runtime.exec({ ...fixture.key('c', 'e'), process: fixture.process(['/none']), stdio: NO_STDIO }),
      'unknown',
      /^OCI runtime exec failed: .*\/none.*no such file or directory/i,
    );
    assert.deepEqual(await fixture.runtime.inventory(), [fixture.key('c')]);
    await fixture.runtime.kill(init.key, SIGKILL, false);
    await fixture.remove(init);
    await assertRejectsWithKind(fixture.runtime.start(init.key), 'not-found', /container c has no bundle/);
  });

  test(`${name}: a missing runtime, a missing FIFO, a taken id and ids that are none are refused`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    await assertRejectsWithKind(
      fixture.create('c', ['true'], { options: { binary: 'no-such-runtime' } }),
      'unknown',
      /OCI runtime create failed: .*"no-such-runtime": executable file not found/,
    );
    const stdout = join(fixture.dir, 'none');
    await assertRejectsWithKind(
      fixture.create('c', ['true'], { stdio: { ...NO_STDIO, stdout } }),
      'unknown',
      /stdout .*none.*[Nn]o such file/,
    );
    for (const id of ['../x', '', 'a/b', 'a\0b', 'x'.repeat(77), '.', '-c']) {
      await assertRejectsWithKind(fixture.create(id, ['true']), 'invalid-argument');
    }
    assert.deepEqual(await fixture.runtime.inventory(), []);
    const process = await fixture.create('c', ['true']);
    await assertRejectsWithKind(fixture.create('c', ['true']), 'already-exists', /bundle of container c/);
    await assertRejectsWithKind(
      fixture.runtime.exec({ ...fixture.key('c', '../e'), process: fixture.process(['true']), stdio: NO_STDIO }),
      'invalid-argument',
    );
    await fixture.runtime.delete(process.key);
    await process.release();
  });

  test(`${name}: the bundle is the spec's very bytes, closed to others`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const spec = Buffer.concat([fixture.spec('c', ['true']), Buffer.from(' \n')]);
    const process = await fixture.create('c', ['true'], { spec });
    const bundle = join(fixture.state, 'io.containerd.runtime.v2.task', fixture.namespace, 'c');
    assert.deepEqual(await readFile(join(bundle, 'config.json')), spec);
    assert.equal(await readFile(join(bundle, 'init.pid'), 'utf8'), String(process.pid));
    const names = await readdir(bundle);
    assert.deepEqual(names.sort(), ['config.json', 'init.pid', 'options.json', 'rootfs', 'runtime', 'work']);
    const handle = await open(bundle);
    assert.equal((await handle.stat()).mode & 0o777, 0o700);
    await handle.close();
    await fixture.runtime.delete(process.key);
    await process.release();
  });

  test(`${name}: attached over the socket: input, both streams, kept output, their ends`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const script = 'echo early; read line; echo "got $line"; echo bad >&2; cat';
    const process = await fixture.create('c', ['sh', '-c', script], { log: true });
    await fixture.runtime.start(process.key);
    const collect = async (replay: boolean, input: string[]): Promise<string> => {
      await using session = await process.attach({ replay });
      for (const text of input) await session.write(Buffer.from(text));
      if (input.length > 0) await process.closeStdin();
      const texts = { stdout: '', stderr: '' };
      for await (const { stream, bytes } of session.output) texts[stream] += Buffer.from(bytes).toString();
      return `${texts.stdout}|${texts.stderr}`;
    };
    assert.equal(await collect(true, ['hello\n', 'rest']), 'early\ngot hello\nrest|bad\n');
    assert.equal((await process.exited).status, 0);
    await process.drained;
    assert.equal(await collect(true, []), 'early\ngot hello\nrest|bad\n');
    assert.equal(await collect(false, []), '|');
    await fixture.remove(process);
  });

  test(`${name}: output waits for the first who attaches, whole`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const process = await fixture.create('c', ['cat', '/random-out'], { log: true, waitForReader: true });
    await fixture.runtime.start(process.key);
    assert.equal(await Promise.race([process.exited.then(() => 'ended'), pause(300, 'waits')]), 'waits');
    await using session = await process.attach({ replay: true });
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of session.output) chunks.push(bytes);
    assert.equal(sha256(Buffer.concat(chunks)), sha256(await readFile(join(fixture.rootfs, 'random-out'))));
    await process.exited;
    await fixture.remove(process);
  });

  test(`${name}: frozen it does nothing, and goes on`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const process = await fixture.create('c', ['sh', '-c', 'sleep 0.1; exit 9']);
    await fixture.runtime.start(process.key);
    await fixture.runtime.pause(process.key);
    let ended = false;
    void process.exited.then(() => (ended = true));
    // Longer than it has to live: what a frozen process does not do has no event.
    await pause(300);
    assert.equal(ended, false);
    await fixture.runtime.resume(process.key);
    assert.equal((await process.exited).status, 9);
    await fixture.remove(process);
  });

  test(`${name}: an exit that nobody of this driver saw is found on disk`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const process = await fixture.create('c', ['sh', '-c', 'exit 42']);
    await fixture.runtime.start(process.key);
    await process.exited;
    const again = fixture.reopen();
    assert.deepEqual(await again.inventory(), [fixture.key('c')]);
    const found = await again.recover(fixture.key('c'));
    assert.ok(found);
    assert.deepEqual([found.pid, (await found.exited).status], [process.pid, 42]);
    await again.delete(fixture.key('c'));
    assert.equal(await again.recover(fixture.key('c')), undefined);
    await fixture.runtime.delete(fixture.key('c'));
    await process.release();
  });

  // crun only runs here where cgroup2 has no controller of memory.
  if (settings.binary === 'crun') return;
  test(`${name}: update; out of memory is told before the exit`, async (t) => {
    const fixture = await runtimeFixture(t, settings);
    const process = await fixture.create('c', ['sh', '-c', 'sleep 0.2; tail /dev/zero'], { memoryBytes: 256 << 20 });
    let ooms = 0;
    process.onOom(() => (ooms += 1));
    await fixture.runtime.update(
      process.key,
      Buffer.from(JSON.stringify({ memory: { limit: 24 << 20, swap: 24 << 20 } })),
    );
    await fixture.runtime.start(process.key);
    await fixture.runtime.pause(process.key);
    await fixture.runtime.resume(process.key);
    const exit = await process.exited;
    assert.deepEqual([exit.status, exit.oomKilled, ooms > 0], [137, true, true]);
    await fixture.remove(process);
  });
}
