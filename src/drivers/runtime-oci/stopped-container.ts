import { readFileSync, rmSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import { isErrno } from '../../base/errors.js';
import type { Processes } from '../../core/kernel/processes.js';
import type { RecordedRuntime } from './bundle.js';

/**
 * runc's state.json of a container whose deletion needs no more than what is done here, as far as it matters
 * (libcontainer/container_linux.go, `State` and `BaseState`; libcontainer/configs). Another one, such as of another version, does not fit.
 */
const PLAIN_STATE = z.object({
  init_process_pid: z.int(),
  /** Clock ticks since boot. */
  init_process_start: z.int(),
  /** By controller; '' is the unified one. */
  cgroup_paths: z.record(z.string(), z.string().check(z.startsWith('/'))),
  rootless: z.literal(false),
  intel_rdt_path: z.literal(''),
  config: z.object({
    namespaces: z.array(z.object({ type: z.string(), path: z.string() })),
    cgroups: z.object({ Systemd: z.literal(false) }),
    Hooks: z.nullable(z.object({ poststop: z.nullable(z.array(z.unknown()).check(z.maxLength(0))) })),
  }),
});

/** A container of runc's whose init has ended, with all that was in its pid namespace. */
export interface StoppedContainer {
  /** runc's directory for it. */
  readonly dir: string;
  /** Paths of its cgroups. */
  readonly cgroups: readonly string[];
}

/**
 * Looks whether `runc delete` would do no more than remove cgroups and a state directory (libcontainer/state_linux.go, `destroy`): the
 * container's init has ended and took all processes with it, and there is no hook for its end.
 *
 * @returns Undefined where that is not so, or not known: then the runtime itself is to delete it.
 */
export function findStopped(
  processes: Pick<Processes, 'startTime'>,
  { binary, root, options }: RecordedRuntime,
  containerId: string,
): StoppedContainer | undefined {
  // A program around runc may want to hear of the end.
  if (basename(binary) !== 'runc' || options.systemdCgroup) return undefined;
  const dir = join(root, containerId);
  const state = readPlainState(join(dir, 'state.json'));
  // In a pid namespace of its own nobody has outlived init.
  if (!state?.config.namespaces.some(({ type, path }) => type === 'NEWPID' && path === '')) return undefined;
  if (processes.startTime(state.init_process_pid) === BigInt(state.init_process_start)) return undefined;
  return { dir, cgroups: [...new Set(Object.values(state.cgroup_paths))] };
}

/** @returns False when a cgroup stays, as one with processes or cgroups in it does: then the runtime itself is to delete the container. */
export async function removeStopped({ dir, cgroups }: StoppedContainer): Promise<boolean> {
  // One after another: the kernel's lock makes each wait for moves of other containers, and must not take all threads of the pool.
  for (const cgroup of cgroups) if (!(await isRemoved(cgroup))) return false;
  rmSync(dir, { recursive: true, force: true });
  return true;
}

function readPlainState(path: string): z.infer<typeof PLAIN_STATE> | undefined {
  try {
    return PLAIN_STATE.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

async function isRemoved(cgroup: string): Promise<boolean> {
  try {
    await rmdir(cgroup);
    return true;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return true;
    if (isErrno(cause, 'EBUSY') || isErrno(cause, 'ENOTEMPTY')) return false;
    throw cause;
  }
}
