import { join } from 'node:path';
import type { Logger } from '../../base/logger.js';
import type { ContainerLogs } from '../../core/execution/logs.js';
import type { StreamKeeper } from '../../core/execution/process-streams.js';
import type { ProcessKey, Runtime } from '../../core/execution/runtime.js';
import type { Kernel } from '../../core/kernel/kernel.js';
import { LogFiles } from './log-files.js';
import { MonitorKeeper } from './monitor-keeper.js';
import { OciRuntime } from './oci-runtime.js';
import { DaemonKeeper } from './daemon-keeper.js';
import { FifoStreamKeeper } from './fifo-streams.js';

export interface OciRuntimeSettings {
  /** The daemon's state directory. */
  readonly state: string;
  /** OCI runtime: a name in PATH, or an absolute path. */
  readonly binary: string;
  /** State root of the OCI runtime; `<state>/runc` when absent. */
  readonly root?: string;
  /** Folder of the logs of containers; `<state>/logs` when absent. */
  readonly logs?: string;
  /** Who is the parent of container processes: a monitor each, which outlives the daemon, or the daemon itself. */
  readonly reaper: 'monitor' | 'daemon';
  /** Whether `binary://` programs of clients are run. */
  readonly allowLoggingPrograms?: boolean;
  /** Absolute path of wharfd-monitor. */
  readonly monitor: string;
}

/** Builds the driver of runc and crun, with what keeps the logs of containers and the streams of those of other programs. With `reaper: 'daemon'` this process becomes a child subreaper for its life. */
export function createOciRuntime(
  kernel: Pick<Kernel, 'programs' | 'mounts' | 'files' | 'processes' | 'descriptors'>,
  settings: OciRuntimeSettings,
  log: Logger,
): Runtime & { readonly logs: ContainerLogs; readonly streams: StreamKeeper } {
  const { state, binary, root = join(state, 'runc'), reaper, monitor } = settings;
  const logs = new LogFiles(settings.logs ?? join(state, 'logs'));
  const keeper = reaper === 'monitor' ? new MonitorKeeper({ ...kernel, monitor }) : new DaemonKeeper(kernel, log);
  const logFile = (key: ProcessKey) => logs.file(key);
  const streams = new FifoStreamKeeper(kernel.descriptors, logFile, log);
  const { allowLoggingPrograms = false } = settings;
  const parts = { ...kernel, keeper, log, state, binary, root, logFile, allowLoggingPrograms };
  return Object.assign(new OciRuntime(parts), { logs, streams });
}
