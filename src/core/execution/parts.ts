import { deferred } from '../../base/abort.js';
import type { Logger } from '../../base/logger.js';
import type { RenamingContainerStore } from '../containers/container-store.js';
import type { OpaqueAny } from '../events/journal.js';
import type { Scoped } from '../namespaces/scope.js';
import type { Cgroups } from './cgroup-stats.js';
import type { ContainerLogs } from './logs.js';
import type { Runtime, RuntimeOptions } from './runtime.js';
import type { TaskStore } from './task-store.js';

/** Name of the runtime that we are: OCI runtimes behind our own monitor. */
export const RUNTIME_NAME = 'io.containerd.runc.v2';

/** Milliseconds that a deletion waits for the output to be delivered, and init's exit for the exits of execs. */
export const DRAIN_MS = 10_000;

/** What the execution is built on. */
export interface ExecutionPorts {
  readonly runtime: Runtime;
  readonly logs: ContainerLogs;
  readonly tasks: Scoped<TaskStore>;
  readonly containers: Scoped<RenamingContainerStore>;
  /** Reads the options of a runtime, which are a message of the wire. @throws invalid-argument: a message that is none. */
  readonly decodeOptions: (options: OpaqueAny) => RuntimeOptions;
  /** Shims of other programs; without it there are none. */
  readonly findShim?: (runtime: string) => Promise<string | undefined>;
  readonly cgroups: Cgroups;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /** Where bundles lie: `<bundleRoot>/<namespace>/<container>`. */
  readonly bundleRoot: string;
  readonly log: Logger;
}

/** True when `promise` settles within the time; what it settles to does not matter. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = deferred<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
