import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isErrno, messageOf } from '../../base/errors.js';
import type { CgroupReader, Cgroups, CgroupStats } from '../../core/execution/cgroup-stats.js';
import type { Logger } from '../../base/logger.js';
import type { MountInfo, Mounts } from '../../core/kernel/mounts.js';
import type { Processes } from '../../core/kernel/processes.js';
import { CgroupFiles } from './cgroup-files.js';
import { readV1 } from './cgroup-v1.js';
import { readV2 } from './cgroup-v2.js';

/** Where one hierarchy is mounted, and which of its directories is at the mount point. */
interface Hierarchy {
  readonly mountPoint: string;
  readonly root: string;
}

interface Hierarchies {
  /** The first version, by controller and by name (`name=systemd`). */
  readonly v1: ReadonlyMap<string, Hierarchy>;
  readonly v2: Hierarchy | undefined;
}

interface CgroupParts {
  readonly mounts: Pick<Mounts, 'list'>;
  readonly processes: Pick<Processes, 'expectMove'>;
  readonly log: Logger;
}

/** The cgroups of this machine: the first version where its memory controller is mounted (also on a hybrid host), else the second. */
export async function openCgroups({ mounts, processes, log }: CgroupParts): Promise<Cgroups> {
  const cgroupsOf = (pid: number) => readFile(`/proc/${pid}/cgroup`, 'utf8');
  const listed = await mounts.list();
  let procs = ownProcs(hierarchiesOf(listed), await pathsOf(process.pid, cgroupsOf));
  return {
    ...createCgroupReader(listed, cgroupsOf),
    expectMove() {
      if (procs === undefined) return;
      try {
        processes.expectMove(procs);
      } catch (error) {
        log.debug({ procs, error: messageOf(error) }, 'processes will enter their cgroups without a hint before');
        procs = undefined;
      }
    },
  };
}

/** @param cgroupsOf Content of /proc/<pid>/cgroup (cgroups(7)). */
export function createCgroupReader(
  mounts: readonly MountInfo[],
  cgroupsOf: (pid: number) => Promise<string>,
): CgroupReader {
  const { v1, v2 } = hierarchiesOf(mounts);
  return {
    async read(pid) {
      const paths = await pathsOf(pid, cgroupsOf);
      if (!paths) return undefined;
      const files = (controller: string) => new CgroupFiles(directoryOf(v1.get(controller), paths.get(controller)));
      const stats: CgroupStats = v1.has('memory')
        ? {
            type: 'io.containerd.cgroups.v1.Metrics',
            fields: await readV1({
              ...{ cpu: files('cpu'), cpuacct: files('cpuacct'), memory: files('memory') },
              ...{ pids: files('pids'), blkio: files('blkio') },
            }),
          }
        : {
            type: 'io.containerd.cgroups.v2.Metrics',
            fields: await readV2(new CgroupFiles(directoryOf(v2, paths.get('')))),
          };
      // Read whole only if the process was there to the end.
      return (await pathsOf(pid, cgroupsOf)) ? stats : undefined;
    },
  };
}

function hierarchiesOf(mounts: readonly MountInfo[]): Hierarchies {
  const v1 = new Map<string, Hierarchy>();
  let v2: Hierarchy | undefined;
  for (const mount of mounts) {
    if (mount.type === 'cgroup2') v2 ??= mount;
    if (mount.type !== 'cgroup') continue;
    for (const option of mount.superOptions) if (!v1.has(option)) v1.set(option, mount);
  }
  return { v1, v2 };
}

/** The file by which processes enter the cgroup that we are in; in any hierarchy, since the kernel has one lock for all. */
function ownProcs({ v1, v2 }: Hierarchies, paths: ReadonlyMap<string, string> | undefined): string | undefined {
  for (const [name, path] of paths ?? []) {
    const directory = directoryOf(name === '' ? v2 : v1.get(name), path);
    if (directory !== undefined) return join(directory, 'cgroup.procs');
  }
  return undefined;
}

/** The cgroup of a process by controller; of the second version by ''. Undefined when it is gone. */
async function pathsOf(
  pid: number,
  cgroupsOf: (pid: number) => Promise<string>,
): Promise<ReadonlyMap<string, string> | undefined> {
  let text: string;
  try {
    text = await cgroupsOf(pid);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ESRCH')) return undefined;
    throw cause;
  }
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== undefined) for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
}

function directoryOf(hierarchy: Hierarchy | undefined, path: string | undefined): string | undefined {
  return hierarchy && path !== undefined ? join(hierarchy.mountPoint, relative(hierarchy.root, path)) : undefined;
}
