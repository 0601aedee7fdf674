import type { HealthCheck } from '../../spec/health-check.js';
import type { Container } from '../containers/container-store.js';
import type { OpaqueAny } from '../events/journal.js';
import type { LogLimits } from './logs.js';

/** Key of the extension that a container made by Run has; its value is JSON. */
export const RUN_EXTENSION = 'io.wharfd.run';
const TYPE_URL = 'wharfd.Run';

/** What Run keeps with a container that it made. */
export interface RunRecord {
  /** Task, container and snapshot go when the process ends. */
  readonly removeOnExit: boolean;
  /** It had an owner in the life of the daemon that made it. */
  readonly ephemeral?: boolean;
  /** Number of the signal that asks it to end; TERM when absent. */
  readonly stopSignal?: number;
  /** Milliseconds that it then has. */
  readonly stopTimeoutMs?: number;
  readonly logLimits?: LogLimits;
  /** Clients may attach to its stdin. */
  readonly stdin?: boolean;
  readonly health?: HealthCheck;
  /** Mounted as the root file system, where it has no snapshot. */
  readonly rootfs?: string;
}

/** The extension for a container. */
export function runExtension(record: RunRecord): Readonly<Record<string, OpaqueAny>> {
  return { [RUN_EXTENSION]: { typeUrl: TYPE_URL, value: Buffer.from(JSON.stringify(record)) } };
}

/** What Run noted about a container; undefined for one that it did not make. */
export function runRecordOf(container: Pick<Container, 'extensions'>): RunRecord | undefined {
  const any = container.extensions[RUN_EXTENSION];
  if (any?.typeUrl !== TYPE_URL) return undefined;
  const record = JSON.parse(Buffer.from(any.value).toString()) as Partial<RunRecord>;
  return { ...record, removeOnExit: record.removeOnExit === true };
}
