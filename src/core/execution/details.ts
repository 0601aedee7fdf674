import type { ProcessRecord } from './task-store.js';

/** What the execution keeps in `details` of a process's record. */
export interface ProcessDetails {
  /** Of the boot in which the process was made; after another one it cannot live any more. */
  readonly bootId: string;
  /** Its streams are held for the socket, not given to a client's FIFOs. */
  readonly socketStdio?: boolean;
  /** An exec that is not started yet: the OCI process, as JSON text, byte for byte. */
  readonly process?: string;
  /** Init only: the container shares the pid namespace of something else, so its processes outlive init. */
  readonly sharedPids?: boolean;
  /** Init only: frozen. */
  readonly paused?: boolean;
  /** Why nobody can know how the process ended. */
  readonly exitUnknownReason?: string;
  /** Init only: an out-of-memory kill was journalled. */
  readonly oom?: boolean;
  /** Started by the first client that attaches, and undone if none comes. */
  readonly startOnAttach?: boolean;
  /** Stdin was not asked for: closed as soon as the process runs. */
  readonly noStdin?: boolean;
  /** An exec of our own service: deleted when it has ended. An init: its container and snapshot go with it. */
  readonly removeOnExit?: boolean;
  /** While `creating`: where the snapshot is that a run is making. */
  readonly snapshotter?: string;
}

/** The details of a record, as this daemon or one before wrote them. */
export function detailsOf(record: ProcessRecord): ProcessDetails {
  const { details } = record;
  const bootId = typeof details['bootId'] === 'string' ? details['bootId'] : '';
  return { ...(details as Partial<ProcessDetails>), bootId };
}

/** The same record with some details changed. */
export function withDetails(record: ProcessRecord, change: Partial<ProcessDetails>): ProcessRecord {
  return { ...record, details: { ...record.details, ...change } };
}
