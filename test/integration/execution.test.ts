import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Call } from '../../src/rpc/handlers.js';
import type { WireAny } from '../../src/rpc/messages.js';
import { messages } from '../../src/rpc/whole.js';
import { createTasksService } from '../../src/service/tasks.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { BUSYBOX_USER, busyboxEntries, makeBusyboxImage } from '../support/busybox-image.js';
import { eventually } from '../support/eventually.js';
import { executionFixture, type Outcome } from '../support/execution-fixture.js';
import { makeImage, makeLayer, type ImageSettings } from '../support/image.js';
import { tempDir } from '../support/temp-dir.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const NAME = 'example.test/busybox:1';
const MIB = 1 << 20;

for (const reaper of ['monitor', 'daemon'] as const) {
  test(`execution, reaper ${reaper}: every status and every byte, one after another and at once`, async (t) => {
    const fixture = await executionFixture(t, reaper);
    const blob = randomBytes(MIB);
    const layer = await makeLayer([...(await busyboxEntries()), { path: 'blob', data: blob }]);
    await fixture.store(makeImage({ layers: [layer], settings: { Env: ['PATH=/bin'] } }), NAME);
    const script = 'head -c "$1" /blob & tail -c "$2" /blob >&2; wait; exit "$3"';
    const runOne = async (id: string, status: number): Promise<void> => {
      const [head, tail] = [randomInt(MIB + 1), randomInt(MIB + 1)];
      const args = ['sh', '-c', script, 'sh', String(head), String(tail), String(status)];
      const outcome = await fixture.foreground(id, NAME, args);
      assert.equal(outcome.exit.status, status, id);
      assert.equal(sha256(outcome.stdout), sha256(blob.subarray(0, head)), id);
      assert.equal(sha256(outcome.stderr), sha256(blob.subarray(MIB - tail)), id);
    };
    await runOne('first', 0);
    const before = await fixture.inventory();
    const codes = FULL ? Array.from({ length: 256 }, (_, code) => code) : [0, 1, 125, 126, 127, 128, 255];
    for (const code of codes) await runOne('again', code);
    await Promise.all(Array.from({ length: FULL ? 50 : 8 }, (_, at) => runOne(`once-${at}`, randomInt(256))));
    assert.deepEqual(await fixture.inventory(), before);
  });

  test(`execution, reaper ${reaper}: execs end by code or signal, a kill ends them and init`, async (t) => {
    const fixture = await executionFixture(t, reaper);
    const { execution, tasks, namespace } = fixture;
    await fixture.store(await makeBusyboxImage(), NAME);
    await execution.run({ namespace }, fixture.request('box', NAME, ['sleep', '1000']));
    for (const signal of [1, 6, 9, 11, 15, 31]) {
      assert.equal((await fixture.exec('box', ['sh', '-c', `kill -${signal} $$`])).exit.status, 128 + signal);
    }
    const big = await fixture.exec('box', ['sh', '-c', `head -c ${MIB} /dev/zero; exit 3`]);
    assert.deepEqual([big.exit.status, big.stdout.length], [3, MIB]);
    const many = await Promise.all(
      Array.from({ length: FULL ? 100 : 10 }, (_, at) => fixture.exec('box', ['sh', '-c', `exit ${at}`])),
    );
    assert.deepEqual(
      many.map(({ exit }) => exit.status),
      many.map((_, at) => at),
    );
    await assertRejectsWithKind(
      fixture.exec('box', ['/no/such']),
      'unknown',
      /^OCI runtime exec failed: .*no such file/s,
    );
    assert.deepEqual((await fixture.inventory()).tasks, 1);
    await assertRejectsWithKind(execution.remove({ namespace }, 'box', false), 'failed-precondition', /ctr kill box/);
    await tasks.kill('box', '', 9, false);
    assert.equal((await tasks.wait('box', '')).status, 137);
    await assertRejectsWithKind(tasks.kill('box', '', 15, false), 'not-found', /^process already finished/);
    const [row] = await execution.list({ namespace }, []);
    assert.ok(row);
    const { task, container } = row;
    assert.deepEqual([container.image, task?.status, task?.exit?.status], [NAME, 'stopped', 137]);
    assert.equal((await execution.remove({ namespace }, 'box', false))?.status, 137);
    await assertRejectsWithKind(execution.remove({ namespace }, 'box', false), 'not-found');
  });
}

test('execution: users, groups and capabilities as the container itself sees them', async (t) => {
  const fixture = await executionFixture(t);
  const { name, uid, gid, extraGroup } = BUSYBOX_USER;
  await fixture.store(await makeBusyboxImage({ settings: { User: name } }), NAME);
  const show = [
    'sh',
    '-c',
    'id -u; id -g; id -G; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; touch /tmp/mine && ls /bin/busybox',
  ];
  const mine = linesOf(await fixture.foreground('box', NAME, show));
  assert.deepEqual(mine.slice(0, 2), [String(uid), String(gid)]);
  assert.deepEqual(mine[2]?.split(' ').sort(), [String(gid), String(extraGroup.gid)].sort());
  const none = '0000000000000000';
  const all = '00000000a80425fb';
  assert.deepEqual(capsOf(mine), { CapInh: none, CapPrm: none, CapEff: none, CapBnd: all, CapAmb: none });
  assert.ok(mine.includes('NoNewPrivs:\t1') && mine.includes('Seccomp:\t2'));
  assert.equal(mine.at(-1), '/bin/busybox');
  const root = linesOf(await fixture.foreground('box', NAME, show, { process: { user: '0' } }));
  assert.deepEqual(capsOf(root), { CapInh: none, CapPrm: all, CapEff: all, CapBnd: all, CapAmb: none });

  const { execution, namespace } = fixture;
  await execution.run({ namespace }, fixture.request('box', NAME, ['sleep', '1000'], { process: { user: '0:0' } }));
  const exec = linesOf(await fixture.exec('box', show, { user: `${name}:${extraGroup.name}` }));
  assert.deepEqual(exec.slice(0, 2), [String(uid), String(extraGroup.gid)]);
  assert.deepEqual(capsOf(exec), { CapInh: none, CapPrm: none, CapEff: none, CapBnd: all, CapAmb: none });
  await assertRejectsWithKind(
    fixture.exec('box', ['id'], { user: 'nobody' }),
    'invalid-argument',
    /"nobody".*\/etc\/passwd/,
  );
  await execution.remove({ namespace }, 'box', true);
});

test('execution: what a container is kept from, and what it has', async (t) => {
  const fixture = await executionFixture(t);
  await fixture.store(await makeBusyboxImage(), NAME);
  const told = async (script: string) =>
    linesOf(await fixture.foreground('box', NAME, ['sh', '-c', `exec 2>&1; ${script}`]));
  assert.deepEqual(await told('ls /proc/self/fd | grep -v "^3$"'), ['0', '1', '2']);
  assert.match((await told('unshare -U true; echo $?')).join(' '), /not permitted.* 1$/);
  const masked = '/proc/kcore /proc/keys /proc/timer_list /sys/firmware /sys/devices/virtual/powercap';
  assert.deepEqual(
    await told(`for path in ${masked}; do [ -d $path ] && ls $path; [ -f $path ] && cat $path; done; echo end`),
    ['end'],
  );
  assert.match((await told('echo 1 > /proc/sys/kernel/domainname || echo refused')).join(' '), /refused/);
  assert.match((await told('mknod /tmp/m c 1 1 && head -c 200 /tmp/m')).join(' '), /not permitted/);
  assert.match((await told('ip addr show lo')).join(' '), /LOOPBACK,UP.*127\.0\.0\.1/);
  assert.deepEqual(await told('hostname; pwd; ulimit -n; echo $$'), ['box', '/', '1024', '1']);
  assert.ok(Number((await told('cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null'))[0]) > 0);
  const cwd = fixture.request('box', NAME, ['pwd'], { process: { cwd: '/proc/self/fd/8' } });
  await assertRejectsWithKind(
    fixture.execution.run({ namespace: fixture.namespace }, cwd),
    'invalid-argument',
    /\/proc/,
  );
});

test('execution: labels of an image stay its own, whatever they are called', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace, metadata } = fixture;
  const Labels = {
    'containerd.io/restart.status': 'running',
    'containerd.io/restart.loguri': 'binary:///bin/sh',
    'io.wharfd.run': '{}',
  };
  await fixture.store(await makeBusyboxImage({ settings: { Labels } }), NAME);
  await execution.run({ namespace }, fixture.request('box', NAME, ['true'], { labels: { mine: '1' } }));
  const container = await metadata.containers({ namespace }).get('box');
  assert.deepEqual({ ...container.labels }, { mine: '1' });
  assert.ok(
    !Buffer.from(container.spec?.value ?? [])
      .toString()
      .includes('loguri'),
  );
  await execution.remove({ namespace }, 'box', true);
});

test('execution: volumes stay inside, and are writable above a read-only root', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace } = fixture;
  const settings: ImageSettings = { Env: ['PATH=/bin'], Volumes: { '/data/deep': {}, '/home': {} } };
  await fixture.store(await makeBusyboxImage({ settings }), NAME);
  const script = ['sh', '-c', 'touch /new 2>/dev/null || echo ro; touch /data/deep/x /home/x && ls /home'];
  assert.deepEqual(linesOf(await fixture.foreground('box', NAME, script)), ['alice', 'x']);
  const strict = await fixture.foreground('box', NAME, script, { readonlyRootfs: true });
  assert.deepEqual(linesOf(strict), ['ro', 'alice', 'x']);
  await fixture.store(await makeBusyboxImage({ settings: { Volumes: { '/../../etc': {} } } }), 'evil');
  await assertRejectsWithKind(
    execution.run({ namespace }, fixture.request('box', 'evil', ['true'])),
    'invalid-argument',
    /volume/,
  );
  assert.deepEqual((await fixture.inventory()).containers, 0);
});

test('execution: a run that fails leaves nothing, and its id is free', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const run = (image: string, args: readonly string[], wishes = {}) =>
    execution.run({ namespace }, fixture.request('box', image, args, wishes));
  await fixture.foreground('box', NAME, ['true']);
  const before = await fixture.inventory();
  await assertRejectsWithKind(run('none:1', ['true']), 'not-found', /dist pull none:1/);
  await assertRejectsWithKind(
    run(NAME, ['/no/such']),
    'unknown',
    /^failed to create shim task: OCI runtime create failed: .*no such file/s,
  );
  await assertRejectsWithKind(run(NAME, ['true'], { process: { user: 'ghost' } }), 'invalid-argument', /ghost/);
  await assertRejectsWithKind(run(NAME, ['true'], { runtime: { name: 'io.containerd.kata.v2' } }), 'unknown', /kata/);
  await assertRejectsWithKind(
    run(NAME, ['true'], { snapshotter: 'zfs', id: '../x' }),
    'invalid-argument',
    /container id/,
  );
  const bind = { destination: '/mnt', type: 'bind', source: '/no/such/source', options: [] };
  await assertRejectsWithKind(run(NAME, ['true'], { mounts: [bind] }), 'unknown', /no such file/);
  assert.deepEqual(await fixture.inventory(), before);
  const results = await Promise.allSettled([1, 2, 3].map(() => run(NAME, ['sleep', '1000'])));
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
  await assertRejectsWithKind(run(NAME, ['true']), 'already-exists', /ctr delete box/);
  await execution.remove({ namespace }, 'box', true);
  assert.deepEqual(await fixture.inventory(), before);
});

test('execution: whatever step the runtime fails at, its own clean-up too, nothing stays and the id is free', async (t) => {
  const { path: dir, [Symbol.asyncDispose]: remove } = await tempDir();
  t.after(remove);
  const broken = join(dir, 'broken');
  const binary = join(dir, 'runtime');
  const script = `#!/bin/sh
for word in "$@"; do
  case "$word" in create | start | delete) break ;; esac
done
if grep -qsw "$word" ${broken}; then echo "no $word today" >&2; exit 1; fi
exec runc "$@"
`;
  await writeFile(binary, script, { mode: 0o755 });
  const fixture = await executionFixture(t, 'monitor', binary);
  const { execution, namespace } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  await fixture.foreground('box', NAME, ['true']);
  const before = await fixture.inventory();
  const bundles = join(fixture.dir, 'state', 'io.containerd.runtime.v2.task', namespace);
  const steps = ['create', 'start', 'create delete', 'start delete'];
  for (let turn = 0; turn < (FULL ? 500 : 2 * steps.length); turn += 1) {
    const wrong = steps[turn % steps.length] ?? '';
    await writeFile(broken, wrong);
    const run = () => execution.run({ namespace }, fixture.request('box', NAME, ['sleep', '1000']));
    await assertRejectsWithKind(run(), 'unknown', /no (create|start) today/);
    if (wrong.endsWith('delete')) {
      await assertRejectsWithKind(run(), 'failed-precondition', /what is left of .*box.* no delete today/s);
    }
    await rm(broken);
    assert.equal((await fixture.foreground('box', NAME, ['sh', '-c', 'exit 7'])).exit.status, 7, wrong);
    assert.deepEqual(await fixture.inventory(), before, wrong);
    assert.deepEqual(await readdir(bundles), [], wrong);
  }
});

test('execution: stdin is passed on and half-closed; a client that leaves does not take the container with it', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace, tasks } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const start = (args: readonly string[]) =>
    execution.run({ namespace }, fixture.request('box', NAME, args, { attach: true, stdin: true, removeOnExit: true }));
  await start(['sha256sum']);
  const input = randomBytes(300_000);
  {
    await using attached = await execution.attach({ namespace }, 'box', '');
    for (let at = 0; at < input.length; at += 30_000) await attached.write(input.subarray(at, at + 30_000));
    await attached.closeStdin();
    const parts: Uint8Array[] = [];
    for await (const { bytes } of attached.output) parts.push(bytes);
    assert.equal(Buffer.concat(parts).toString().slice(0, 64), sha256(input));
    assert.equal((await attached.finish()).status, 0);
  }
  await start(['sh', '-c', 'read line; echo "got $line"; read line; echo "and $line"']);
  {
    await using first = await execution.attach({ namespace }, 'box', '');
    await first.write(Buffer.from('one\n'));
    for await (const { bytes } of first.output) {
      assert.equal(Buffer.from(bytes).toString(), 'got one\n');
      break;
    }
  }
  await using second = await execution.attach({ namespace }, 'box', '');
  await second.write(Buffer.from('two\n'));
  const seen: string[] = [];
  for await (const { bytes } of second.output) seen.push(Buffer.from(bytes).toString());
  assert.match(seen.join(''), /and two\n$/);
  await second.finish();
  await assertRejectsWithKind(tasks.get('box', ''), 'not-found');
  assert.deepEqual((await fixture.inventory()).containers, 0);
});

test('execution: the daemon removes what was to be removed, though its client has gone', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const gone = new AbortController();
  const wishes = { attach: true, stdin: true, removeOnExit: true };
  await execution.run({ namespace }, fixture.request('box', NAME, ['cat'], wishes));
  {
    await using attached = await execution.attach({ namespace }, 'box', '', { signal: gone.signal });
    await attached.write(Buffer.from('x'));
    gone.abort(new Error('client gone'));
  }
  assert.equal((await fixture.inventory()).containers, 1);
  await fixture.tasks.closeStdin('box', '');
  await eventually(async () => assert.deepEqual((await fixture.inventory()).containers, 0));
  await eventually(async () => assert.deepEqual((await fixture.inventory()).snapshots, 1));
});

test('execution: a terminal has the size of its client, and Ctrl-C reaches the process', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const request = fixture.request(
    'box',
    NAME,
    ['sh', '-c', 'stty size; tty; trap "exit 42" INT; echo ready; while :; do sleep 1; done'],
    {
      ...{ attach: true, stdin: true, removeOnExit: true, process: { terminal: true } },
    },
  );
  await execution.run({ namespace }, request);
  await using attached = await execution.attach({ namespace }, 'box', '', { size: { columns: 101, rows: 33 } });
  assert.equal(attached.terminal, true);
  let seen = '';
  for await (const { bytes } of attached.output) {
    const had = seen.includes('ready');
    seen += Buffer.from(bytes).toString();
    if (!had && seen.includes('ready')) await attached.write(Buffer.from([3]));
  }
  assert.match(seen, /^33 101\r\n\/dev\/pts\/0\r\nready\r\n/);
  assert.equal((await attached.finish()).status, 42);
});

test('execution: an out-of-memory kill is told before the exit, and the journal is in order', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace, tasks, metadata } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const wishes = { attach: true, stdin: true, removeOnExit: true };
  const first = metadata.journal.last() + 1;
  await execution.run(
    { namespace },
    fixture.request('box', NAME, ['sh', '-c', 'read x; tail /dev/zero; exit 9'], wishes),
  );
  await tasks.update('box', Buffer.from(JSON.stringify({ memory: { limit: 16 * MIB, swap: 16 * MIB } })));
  await using attached = await execution.attach({ namespace }, 'box', '');
  await attached.write(Buffer.from('go\n'));
  for await (const _ of attached.output);
  await attached.finish();
  const done = new AbortController();
  const topics: string[] = [];
  for await (const event of metadata.journal.subscribe({ from: first, signal: done.signal })) {
    if (event.topic.startsWith('/tasks/') || event.topic.startsWith('/containers/')) topics.push(event.topic);
    if (event.topic === '/containers/delete') break;
  }
  assert.deepEqual(
    [...new Set(topics)],
    [
      '/containers/create',
      '/tasks/create',
      '/tasks/start',
      '/tasks/oom',
      '/tasks/exit',
      '/tasks/delete',
      '/containers/delete',
    ],
  );
  assert.equal(topics.filter((topic) => topic === '/tasks/exit').length, 1);
});

test('execution: what the kernel counts for a running task; a stopped one is left out', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace, tasks } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  await execution.run({ namespace }, fixture.request('box', NAME, ['sleep', '1000']));
  await execution.run({ namespace }, fixture.request('ended', NAME, ['true']));
  await tasks.wait('ended', '');
  const service = createTasksService(execution.tasks);
  const call = { scope: { namespace } } as Call;
  assert.ok(service.metrics);
  const { metrics } = await service.metrics({ filters: [] }, call);
  assert.ok(metrics);
  assert.deepEqual(
    metrics.map(({ id }) => id),
    ['box'],
  );
  const { type_url: type, value } = metrics[0]?.data as WireAny;
  assert.match(type, /^io\.containerd\.cgroups\.v[12]\.Metrics$/);
  const fields = messages.decodePlain(type, value) as {
    readonly pids: { readonly current: string; readonly limit: string };
    readonly memory: { readonly usage: string | { readonly usage: string } };
  };
  assert.deepEqual(fields.pids, { current: '1', limit: '4096' });
  const { usage } = fields.memory;
  assert.ok(Number(typeof usage === 'string' ? usage : usage.usage) > 0);
  assert.deepEqual((await service.metrics({ filters: ['id==other'] }, call)).metrics, []);
  for (const id of ['box', 'ended']) await execution.remove({ namespace }, id, true);
});

test('execution: a container whose monitor was killed runs on, can be killed, and its exit is told once', async (t) => {
  const fixture = await executionFixture(t);
  const { execution, namespace, tasks, metadata, dir } = fixture;
  await fixture.store(await makeBusyboxImage(), NAME);
  const { pid } = await execution.run({ namespace }, fixture.request('box', NAME, ['sleep', '1000']));
  const first = metadata.journal.last() + 1;
  const file = join(dir, 'state/io.containerd.runtime.v2.task', namespace, 'box/work/init/process.json');
  const { monitor } = JSON.parse(await readFile(file, 'utf8')) as { monitor: number };
  process.kill(monitor, 'SIGKILL');
  await eventually(() => assert.ok(!existsSync(`/proc/${monitor}/exe`)));
  assert.equal((await tasks.get('box', '')).status, 'running');
  assert.ok(existsSync(`/proc/${pid}`));
  await tasks.kill('box', '', 9, false);
  const exit = await tasks.wait('box', '');
  assert.ok(exit.unknown ? exit.status === 255 : exit.status === 137, `${exit.status} unknown ${exit.unknown}`);
  assert.equal((await execution.remove({ namespace }, 'box', false))?.status, exit.status);
  let exits = 0;
  for await (const { topic } of metadata.journal.subscribe({ from: first, signal: new AbortController().signal })) {
    if (topic === '/tasks/exit') exits += 1;
    if (topic === '/containers/delete') break;
  }
  assert.equal(exits, 1);
});

function linesOf({ stdout, stderr, exit }: Outcome): string[] {
  assert.equal(stderr.toString(), '');
  assert.equal(exit.unknown, false);
  return stdout.toString().trimEnd().split('\n');
}

function capsOf(lines: readonly string[]): Record<string, string> {
  const rows = lines.filter((line) => line.startsWith('Cap')).map((line) => line.split(':\t'));
  return Object.fromEntries(rows.map(([name = '', value = '']) => [name, value]));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
