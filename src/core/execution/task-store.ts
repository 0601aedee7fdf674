import type { Event } from '../events/journal.js';

/** How far a process has come. A paused task is `running` here; the runtime knows that it is paused. */
export type ProcessState = 'creating' | 'created' | 'running' | 'stopped';

/** One process of a container: its init (`execId` is empty) or an exec. */
export interface ProcessRecord {
  readonly containerId: string;
  readonly execId: string;
  readonly state: ProcessState;
  /** 0 while there is none. */
  readonly pid: number;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
  /** 0 to 255; set when stopped. */
  readonly exitStatus?: number;
  /** True when nobody can know the status any more; 255 on the wire. */
  readonly exitUnknown?: boolean;
  readonly exitedAtNs?: bigint;
  /** What the execution keeps besides (bundle, runtime binary and root, boot id, start time, clean-up wishes); JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Records of processes, for what a restarted daemon must find again. An event is written in the same transaction as the record. */
export interface TaskStore {
  /** @throws not-found. */
  get(containerId: string, execId?: string): Promise<ProcessRecord>;
  /** All processes of a container, or of the namespace; init before execs. */
  list(containerId?: string): Promise<readonly ProcessRecord[]>;
  /** @throws already-exists. */
  create(record: ProcessRecord, events?: readonly Event[]): Promise<void>;
  /** Replaces the record. @throws not-found. */
  put(record: ProcessRecord, events?: readonly Event[]): Promise<void>;
  /** Deletes the record (an init's with all its execs). @throws not-found. */
  delete(containerId: string, execId?: string, events?: readonly Event[]): Promise<void>;
}

/** Finds the namespaces that have tasks, for recovery at start. */
export interface TaskIndex {
  namespaces(): Promise<readonly string[]>;
}
