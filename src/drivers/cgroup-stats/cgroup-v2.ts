import { pick, type CgroupFiles } from './cgroup-files.js';

const CPU_NAMES = [
  'usage_usec',
  'user_usec',
  'system_usec',
  'nr_periods',
  'nr_throttled',
  'throttled_usec',
  'nr_bursts',
  'burst_usec',
];

const MEMORY_NAMES = [
  ...[
    'anon',
    'file',
    'kernel_stack',
    'slab',
    'sock',
    'shmem',
    'file_mapped',
    'file_dirty',
    'file_writeback',
    'anon_thp',
  ],
  ...['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable', 'slab_reclaimable'],
  ...['slab_unreclaimable', 'pgfault', 'pgmajfault', 'workingset_nodereclaim', 'pgrefill', 'pgscan', 'pgsteal'],
  ...['pgactivate', 'pgdeactivate', 'pglazyfree', 'pglazyfreed', 'thp_fault_alloc', 'thp_collapse_alloc'],
];

/** Fields of io.containerd.cgroups.v2.Metrics, from the one directory of a container (Linux admin guide, cgroup-v2). */
export async function readV2(files: CgroupFiles): Promise<Readonly<Record<string, unknown>>> {
  const [current, limit, cpu, memory, events, io] = await Promise.all([
    files.number('pids.current'),
    files.number('pids.max'),
    files.table('cpu.stat'),
    memoryOf(files),
    files.table('memory.events'),
    files.text('io.stat'),
  ]);
  return {
    ...{ pids: { current, limit }, cpu: pick(cpu, CPU_NAMES), memory, io: { usage: ioOf(io) } },
    memory_events: pick(events, ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill']),
  };
}

async function memoryOf(files: CgroupFiles) {
  const stat = await files.table('memory.stat');
  const numbers = [
    'memory.current',
    'memory.max',
    'memory.peak',
    'memory.swap.current',
    'memory.swap.max',
    'memory.swap.peak',
  ];
  const [usage, usageLimit, maxUsage, swap, swapLimit, swapMax] = await Promise.all(
    numbers.map((name) => files.number(name)),
  );
  return {
    ...pick(stat, MEMORY_NAMES),
    workingset_refault: sum(stat, 'workingset_refault'),
    workingset_activate: sum(stat, 'workingset_activate'),
    ...{ usage, usage_limit: usageLimit, max_usage: maxUsage },
    ...{ swap_usage: swap, swap_limit: swapLimit, swap_max_usage: swapMax },
  };
}

/** Newer kernels count files and anonymous memory apart. */
function sum(stat: ReadonlyMap<string, string>, name: string): string {
  return String(
    [name, `${name}_anon`, `${name}_file`].reduce((total, key) => total + BigInt(stat.get(key) ?? '0'), 0n),
  );
}

/** Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. */
function ioOf(text: string) {
  return text
    .split('\n')
    .map((line) => /^(\d+):(\d+) (.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, major, minor, counters = '']) => {
      const table = new Map(counters.split(' ').map((pair) => pair.split('=') as [string, string]));
      return { major, minor, ...pick(table, ['rbytes', 'wbytes', 'rios', 'wios']) };
    });
}
