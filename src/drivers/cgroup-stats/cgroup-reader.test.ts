import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SILENT } from '../../base/logger.js';
import type { MountInfo } from '../../core/kernel/mounts.js';
import { messages } from '../../rpc/whole.js';
import { createMounts } from '../../sys/mounts.js';
import { createCgroupReader, openCgroups } from './cgroup-reader.js';

function mountOf(mountPoint: string, type: string, superOptions: readonly string[], root = '/'): MountInfo {
  return {
    id: 1,
    parentId: 0,
    device: '0:1',
    root,
    mountPoint,
    options: [],
    propagation: [],
    type,
    source: type,
    superOptions,
  };
}

async function writeAll(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), `${text}\n`);
  }
}

async function tree(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const { path } = await tempDir(t);
  await writeAll(path, files);
  return path;
}

test('the first version: controllers mounted apart, paths below the root of each mount', async (t) => {
  const dir = await tree(t, {
    'memory/ns/box/memory.stat': 'cache 5\nrss 6\ntotal_pgpgin 7\nhierarchical_memsw_limit 18446744073709551615',
    'memory/ns/box/memory.usage_in_bytes': '4096',
    'memory/ns/box/memory.limit_in_bytes': '9223372036854771712',
    'memory/ns/box/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3',
    'pids/ns/box/pids.current': '2',
    'pids/ns/box/pids.max': 'max',
    'cpuacct/ns/box/cpuacct.usage': '123456789',
    'cpuacct/ns/box/cpuacct.stat': 'user 4\nsystem 5',
    'cpuacct/ns/box/cpuacct.usage_percpu': '100 23',
    'blkio/ns/box/blkio.throttle.io_service_bytes_recursive': '8:0 Read 10\n8:0 Write 20\nTotal 30',
  });
  const mounts = ['memory', 'pids', 'cpuacct', 'blkio'].map((name) =>
    mountOf(join(dir, name), 'cgroup', ['rw', name], name === 'memory' ? '/docker' : '/'),
  );
  const lines = ['4:memory:/docker/ns/box', '3:pids:/ns/box', '2:cpu,cpuacct:/ns/box', '1:blkio:/ns/box', '0::/'];
  const stats = await createCgroupReader(mounts, async () => lines.join('\n')).read(1);
  assert.equal(stats?.type, 'io.containerd.cgroups.v1.Metrics');
  const {
    pids,
    cpu,
    memory,
    blkio,
    memory_oom_control: oom,
  } = messages.decode(stats.type, messages.encodePlain(stats.type, stats.fields));
  assert.deepEqual(pids, { current: '2', limit: '0' });
  assert.deepEqual(cpu?.usage, { total: '123456789', kernel: '50000000', user: '40000000', per_cpu: ['100', '23'] });
  assert.ok(memory);
  assert.equal(memory.cache, '5');
  assert.equal(memory.total_pg_pg_in, '7');
  assert.equal(memory.hierarchical_swap_limit, '18446744073709551615');
  assert.deepEqual(memory.usage, { limit: '9223372036854771712', usage: '4096', max: '0', failcnt: '0' });
  assert.equal(oom?.oom_kill, '3');
  assert.deepEqual(
    blkio?.io_service_bytes_recursive.map(({ op, major, value }) => [op, major, value]),
    [
      ['Read', '8', '10'],
      ['Write', '8', '20'],
    ],
  );
});

test('the second version: one directory', async (t) => {
  const dir = await tree(t, {
    'ns/box/memory.current': '8192',
    'ns/box/memory.max': 'max',
    'ns/box/memory.stat': 'anon 1\nfile 2\nworkingset_refault_anon 3\nworkingset_refault_file 4',
    'ns/box/memory.events': 'low 0\nhigh 0\nmax 1\noom 2\noom_kill 2',
    'ns/box/cpu.stat': 'usage_usec 10\nuser_usec 6\nsystem_usec 4',
    'ns/box/pids.current': '1',
    'ns/box/pids.max': '4096',
    'ns/box/io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0',
  });
  const reader = createCgroupReader([mountOf(dir, 'cgroup2', ['rw'])], async () => '0::/ns/box\n');
  const stats = await reader.read(1);
  assert.equal(stats?.type, 'io.containerd.cgroups.v2.Metrics');
  const decoded = messages.decode(stats.type, messages.encodePlain(stats.type, stats.fields));
  assert.deepEqual(decoded.pids, { current: '1', limit: '4096' });
  assert.equal(decoded.cpu?.user_usec, '6');
  assert.deepEqual(
    [decoded.memory?.usage, decoded.memory?.usage_limit, decoded.memory?.workingset_refault],
    ['8192', '0', '7'],
  );
  assert.equal(decoded.memory_events?.oom_kill, '2');
  assert.deepEqual(decoded.io?.usage, [{ major: '8', minor: '0', rbytes: '1', wbytes: '2', rios: '3', wios: '4' }]);
});

test('a process that is gone has no counters, be it gone before or meanwhile', async (t) => {
  const dir = await tree(t, { 'ns/box/pids.current': '1' });
  const gone = Object.assign(new Error('gone'), { code: 'ESRCH' });
  const mounts = [mountOf(dir, 'cgroup2', ['rw'])];
  assert.equal(await createCgroupReader(mounts, () => Promise.reject(gone)).read(1), undefined);
  let calls = 0;
  const meanwhile = createCgroupReader(mounts, () =>
    calls++ === 0 ? Promise.resolve('0::/ns/box') : Promise.reject(gone),
  );
  assert.equal(await meanwhile.read(1), undefined);
});

test('a move is expected by way of a cgroup that we are in; where that does not work it is not tried again', async () => {
  const told: string[] = [];
  const processes = {
    expectMove(procs: string) {
      told.push(procs);
      if (told.length === 2) throw new Error('gone');
    },
  };
  const cgroups = await openCgroups({ mounts: createMounts(), processes, log: SILENT });
  for (let i = 0; i < 4; i += 1) cgroups.expectMove();
  assert.equal(told.length, 2);
  const inside = (await readFile(told[0] ?? '', 'utf8')).split('\n');
  assert.ok(inside.includes(String(process.pid)));
});
