import assert from 'node:assert/strict';
import { readdir, readFile, readlink, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { mountsOf, readMounts } from './mount-table.js';

/** What belongs to a test, however deep a daemon, a monitor or a runtime made it. */
export interface Mine {
  /** Folders of the test: absolute paths. */
  readonly dirs: readonly string[];
  /** Names of the test that appear in cgroup paths: its namespaces, its container ids. */
  readonly cgroupNames?: readonly string[];
  /** Processes that may stay, such as the daemon itself. */
  readonly keepPids?: readonly number[];
}

export interface Leftovers {
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
  readonly fifos: readonly string[];
}

const CGROUP_ROOT = '/sys/fs/cgroup';

/** Everything of `mine` that is there now. Two tests at one time do not see one another's things. */
export async function findLeftovers(mine: Mine): Promise<Leftovers> {
  const mounts = await readMounts();
  const [processes, cgroups, fifos] = await Promise.all([findProcesses(mine), findCgroups(mine), findFifos(mine.dirs)]);
  return {
    mounts: mine.dirs.flatMap((dir) => mountsOf(dir, mounts)).map((row) => `${row.mountPoint} (${row.type})`),
    processes,
    cgroups,
    fifos,
  };
}

/** Waits until nothing of `mine` is there: no mount, process, cgroup or FIFO. */
export async function assertNothingLeft(mine: Mine, timeoutMs?: number): Promise<void> {
  const nothing: Leftovers = { mounts: [], processes: [], cgroups: [], fifos: [] };
  await eventually(async () => assert.deepEqual(await findLeftovers(mine), nothing), timeoutMs);
}

/** Ends every process of `mine` by SIGKILL; their cgroups go with them, or are removed here. */
export async function killProcesses(mine: Mine): Promise<void> {
  await eventually(async () => {
    const left = await findProcesses(mine);
    for (const line of left) tryKill(Number(line.split(' ', 1)[0]));
    assert.deepEqual(left, []);
  });
  // Children last.
  for (const path of (await findCgroups(mine, true)).reverse()) await rmdir(path).catch(() => undefined);
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Open descriptors of a process, counted by what they lead to (`socket`, `pipe`, a path …). */
export async function openDescriptors(pid: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => undefined);
    if (target === undefined) continue;
    const what = target.replace(/:\[\d+\]$/, '');
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

/** Waits until process `pid` has no more open descriptors of any sort than `before` counted. */
export async function assertNoMoreDescriptors(pid: number, before: ReadonlyMap<string, number>): Promise<void> {
  await eventually(async () => {
    const more = [...(await openDescriptors(pid))].filter(([what, count]) => count > (before.get(what) ?? 0));
    assert.deepEqual(more, [], 'descriptors that were not open before');
  });
}

async function findProcesses({ dirs, cgroupNames = [], keepPids = [] }: Mine): Promise<string[]> {
  const keep = new Set([process.pid, ...keepPids].map(String));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && !keep.has(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cmdline = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      const links = await Promise.all(
        ['cwd', 'root', 'exe'].map((link) => readlink(`/proc/${pid}/${link}`).catch(() => '')),
      );
      const root = await rootMountOf(pid);
      const isMine =
        dirs.some(
          (dir) =>
            cmdline.includes(dir) ||
            root.includes(`${dir}/`) ||
            links.some((link) => link === dir || link.startsWith(`${dir}/`)),
        ) || cgroupNames.some((name) => cgroup.includes(`/${name}`));
      return isMine ? `${pid} ${cmdline.replaceAll('\0', ' ').trim()}` : undefined;
    }),
  );
  return found.filter((line) => line !== undefined);
}

/** What a process has as `/`, with the directories of an overlay: one of a container knows no other path to them (proc(5), mountinfo). */
async function rootMountOf(pid: string): Promise<string> {
  const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
  return mounts.split('\n').find((line) => line.split(' ', 5)[4] === '/') ?? '';
}

/** Cgroups below those that have one of the test's names, parents first; the folder of a namespace itself counts for `itself` only. */
async function findCgroups({ cgroupNames = [] }: Mine, itself = false): Promise<string[]> {
  if (cgroupNames.length === 0) return [];
  const found: string[] = [];
  const visit = async (dir: string, depth: number, inside: boolean): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter((each) => each.isDirectory())) {
      const path = join(dir, entry.name);
      const named = cgroupNames.includes(entry.name);
      if (inside || (itself && named)) found.push(path);
      if (depth > 0) await visit(path, depth - 1, inside || named);
    }
  };
  await visit(CGROUP_ROOT, 4, false);
  return found;
}

async function findFifos(dirs: readonly string[]): Promise<string[]> {
  const perDir = await Promise.all(
    dirs.map(async (dir) => {
      const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => []);
      return entries.filter((entry) => entry.isFIFO()).map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  return perDir.flat();
}
