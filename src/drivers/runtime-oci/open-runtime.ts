import { join } from 'node:path';
import type { Logger } from '../../base/logger.js';
import type { Runtime } from '../../core/execution/runtime.js';
import type { Kernel } from '../../core/kernel/kernel.js';
import { MonitorKeeper } from './monitor-keeper.js';
import { OciRuntime } from './oci-runtime.js';
import { DaemonKeeper } from './daemon-keeper.js';

export interface OciRuntimeSettings {
  /** The daemon's state directory. */
  readonly state: string;
  /** OCI runtime: a name in PATH, or an absolute path. */
  readonly binary: string;
  /** State root of the OCI runtime; `<state>/runc` when absent. */
  readonly root?: string;
  /** Who is the parent of container processes: a monitor each, which outlives the daemon, or the daemon itself. */
  readonly reaper: 'monitor' | 'daemon';
  /** Absolute path of wharfd-monitor. */
  readonly monitor: string;
}

/** Builds the driver of runc and crun. With `reaper: 'daemon'` this process becomes a child subreaper for its life. */
export function createOciRuntime(
  kernel: Pick<Kernel, 'programs' | 'mounts' | 'processes' | 'descriptors'>,
  settings: OciRuntimeSettings,
  log: Logger,
): Runtime {
  const { state, binary, root = join(state, 'runc'), reaper, monitor } = settings;
  const keeper = reaper === 'monitor' ? new MonitorKeeper({ ...kernel, monitor }) : new DaemonKeeper(kernel, log);
  return new OciRuntime({ ...kernel, keeper, log, state, binary, root });
}
