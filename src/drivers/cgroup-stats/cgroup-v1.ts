import { decimal, pick, type CgroupFiles } from './cgroup-files.js';

/** Directories of one container in the hierarchies that matter (Linux admin guide, cgroup-v1). */
export interface V1Directories {
  readonly cpu: CgroupFiles;
  readonly cpuacct: CgroupFiles;
  readonly memory: CgroupFiles;
  readonly pids: CgroupFiles;
  readonly blkio: CgroupFiles;
}

/** cpuacct.stat counts in ticks of 1/100 s. */
const NS_PER_TICK = 10_000_000n;

const MEMORY_NAMES = [
  ...['cache', 'rss', 'rss_huge', 'mapped_file', 'dirty', 'writeback', 'inactive_anon', 'active_anon', 'inactive_file'],
  ...['active_file', 'unevictable', 'hierarchical_memory_limit', 'total_cache', 'total_rss', 'total_rss_huge'],
  ...['total_mapped_file', 'total_dirty', 'total_writeback', 'total_inactive_anon', 'total_active_anon'],
  ...['total_inactive_file', 'total_active_file', 'total_unevictable'],
];

/** Those that the kernel writes in one word. */
const MEMORY_RENAMED: Readonly<Record<string, string>> = {
  pg_pg_in: 'pgpgin',
  pg_pg_out: 'pgpgout',
  pg_fault: 'pgfault',
  pg_maj_fault: 'pgmajfault',
  total_pg_pg_in: 'total_pgpgin',
  total_pg_pg_out: 'total_pgpgout',
  total_pg_fault: 'total_pgfault',
  total_pg_maj_fault: 'total_pgmajfault',
  hierarchical_swap_limit: 'hierarchical_memsw_limit',
};

/** Fields of io.containerd.cgroups.v1.Metrics. */
export async function readV1(dirs: V1Directories): Promise<Readonly<Record<string, unknown>>> {
  const [pids, cpu, memory, oom, blkio] = await Promise.all([
    pidsOf(dirs.pids),
    cpuOf(dirs.cpu, dirs.cpuacct),
    memoryOf(dirs.memory),
    dirs.memory.table('memory.oom_control'),
    blkioOf(dirs.blkio),
  ]);
  return { pids, cpu, memory, blkio, memory_oom_control: pick(oom, ['oom_kill_disable', 'under_oom', 'oom_kill']) };
}

async function pidsOf(files: CgroupFiles) {
  return { current: await files.number('pids.current'), limit: await files.number('pids.max') };
}

async function cpuOf(cpu: CgroupFiles, cpuacct: CgroupFiles) {
  const [total, ticks, perCpu, throttling] = await Promise.all([
    cpuacct.number('cpuacct.usage'),
    cpuacct.table('cpuacct.stat'),
    cpuacct.text('cpuacct.usage_percpu'),
    cpu.table('cpu.stat'),
  ]);
  const ns = (name: string) => String(BigInt(ticks.get(name) ?? '0') * NS_PER_TICK);
  return {
    usage: {
      ...{ total, kernel: ns('system'), user: ns('user') },
      per_cpu: perCpu
        .split(' ')
        .filter((text) => text !== '')
        .map(decimal),
    },
    throttling: {
      periods: throttling.get('nr_periods') ?? '0',
      throttled_periods: throttling.get('nr_throttled') ?? '0',
      throttled_time: throttling.get('throttled_time') ?? '0',
    },
  };
}

async function memoryOf(files: CgroupFiles) {
  const stat = await files.table('memory.stat');
  const renamed = Object.entries(MEMORY_RENAMED).map(([field, name]) => [field, stat.get(name) ?? '0']);
  const [usage, swap, kernel, kernelTcp] = await Promise.all(
    ['memory', 'memory.memsw', 'memory.kmem', 'memory.kmem.tcp'].map((prefix) => entryOf(files, prefix)),
  );
  return {
    ...pick(stat, MEMORY_NAMES),
    ...(Object.fromEntries(renamed) as Record<string, string>),
    ...{ usage, swap, kernel, kernel_tcp: kernelTcp },
  };
}

async function entryOf(files: CgroupFiles, prefix: string) {
  const [limit, usage, max, failcnt] = await Promise.all(
    ['limit_in_bytes', 'usage_in_bytes', 'max_usage_in_bytes', 'failcnt'].map((name) =>
      files.number(`${prefix}.${name}`),
    ),
  );
  return { limit, usage, max, failcnt };
}

async function blkioOf(files: CgroupFiles) {
  const [bytes, operations] = await Promise.all(
    ['io_service_bytes', 'io_serviced'].map(async (name) =>
      entries(await files.text(`blkio.throttle.${name}_recursive`)),
    ),
  );
  return { io_service_bytes_recursive: bytes, io_serviced_recursive: operations };
}

/** Lines such as `8:0 Read 4096`; the sum at the end has no device. */
function entries(text: string) {
  return text
    .split('\n')
    .map((line) => /^(\d+):(\d+) (\w+) (\d+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, major, minor, op, value]) => ({ op, major, minor, value }));
}
