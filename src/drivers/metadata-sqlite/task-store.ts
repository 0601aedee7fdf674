import { DaemonError } from '../../base/errors.js';
import type { Event } from '../../core/events/journal.js';
import type { ProcessRecord, ProcessState, TaskIndex, TaskStore } from '../../core/execution/task-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { Database } from './database.js';
import { ensureNamespace, type Shared } from './shared.js';

interface ProcessRow {
  readonly container: string;
  readonly exec: string;
  readonly state: ProcessState;
  readonly pid: number;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: number;
  readonly exit_status: number | null;
  readonly exit_unknown: number | null;
  readonly exited_ns: string | null;
  readonly details: string;
}

/** Processes of one namespace. They end with this boot of the machine, so no change of them waits for a flush. */
export class SqliteTasks implements TaskStore {
  readonly #shared: Shared;
  readonly #db: Database;
  readonly #namespace: string;

  constructor(shared: Shared, { namespace }: Scope) {
    this.#shared = shared;
    this.#db = shared.db;
    this.#namespace = namespace;
  }

  async get(containerId: string, execId = ''): Promise<ProcessRecord> {
    const row = this.#find(containerId, execId);
    if (!row) throw missing(containerId, execId);
    return Promise.resolve(toRecord(row));
  }

  async list(containerId?: string): Promise<readonly ProcessRecord[]> {
    const rows =
      containerId === undefined
        ? this.#db
            .sql<ProcessRow>('SELECT * FROM processes WHERE namespace = ? ORDER BY container, exec')
            .all(this.#namespace)
        : this.#db
            .sql<ProcessRow>('SELECT * FROM processes WHERE namespace = ? AND container = ? ORDER BY exec')
            .all(this.#namespace, containerId);
    return Promise.resolve(rows.map(toRecord));
  }

  async create(record: ProcessRecord, events: readonly Event[] = []): Promise<void> {
    this.#shared.journal.passing(() => {
      ensureNamespace(this.#db, this.#namespace);
      if (this.#find(record.containerId, record.execId)) {
        throw new DaemonError('already-exists', `${nameOf(record.containerId, record.execId)}: already exists`);
      }
      this.#write(record);
      this.#recordAll(events);
    });
    return Promise.resolve();
  }

  async put(record: ProcessRecord, events: readonly Event[] = []): Promise<void> {
    this.#shared.journal.passing(() => {
      if (!this.#find(record.containerId, record.execId)) throw missing(record.containerId, record.execId);
      this.#write(record);
      this.#recordAll(events);
    });
    return Promise.resolve();
  }

  async delete(containerId: string, execId = '', events: readonly Event[] = []): Promise<void> {
    this.#shared.journal.passing(() => {
      if (!this.#find(containerId, execId)) throw missing(containerId, execId);
      const which = execId === '' ? '' : ' AND exec = ?';
      const keys = execId === '' ? [containerId] : [containerId, execId];
      this.#db.sql(`DELETE FROM processes WHERE namespace = ? AND container = ?${which}`).run(this.#namespace, ...keys);
      this.#recordAll(events);
    });
    return Promise.resolve();
  }

  #find(containerId: string, execId: string): ProcessRow | undefined {
    return this.#db
      .sql<ProcessRow>('SELECT * FROM processes WHERE namespace = ? AND container = ? AND exec = ?')
      .get(this.#namespace, containerId, execId);
  }

  #write(record: ProcessRecord): void {
    this.#db
      .sql(
        `INSERT OR REPLACE INTO processes (namespace, container, exec, state, pid, stdin, stdout, stderr, terminal, exit_status,
         exit_unknown, exited_ns, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#namespace,
        record.containerId,
        record.execId,
        record.state,
        record.pid,
        record.stdin,
        record.stdout,
        record.stderr,
        record.terminal ? 1 : 0,
        record.exitStatus ?? null,
        record.exitUnknown === undefined ? null : Number(record.exitUnknown),
        record.exitedAtNs === undefined ? null : String(record.exitedAtNs),
        JSON.stringify(record.details),
      );
  }

  #recordAll(events: readonly Event[]): void {
    for (const happened of events) this.#shared.journal.record(this.#namespace, happened);
  }
}

/** Which namespaces have processes. */
export class SqliteTaskIndex implements TaskIndex {
  readonly #db: Database;

  constructor({ db }: Shared) {
    this.#db = db;
  }

  async namespaces(): Promise<readonly string[]> {
    const rows = this.#db.sql<{ namespace: string }>('SELECT DISTINCT namespace FROM processes ORDER BY 1').all();
    return Promise.resolve(rows.map(({ namespace }) => namespace));
  }
}

function nameOf(containerId: string, execId: string): string {
  return execId === '' ? `task ${containerId}` : `process ${execId} of task ${containerId}`;
}

function missing(containerId: string, execId: string): DaemonError {
  return new DaemonError('not-found', `${nameOf(containerId, execId)}: not found`);
}

function toRecord(row: ProcessRow): ProcessRecord {
  return {
    containerId: row.container,
    execId: row.exec,
    state: row.state,
    pid: row.pid,
    stdin: row.stdin,
    stdout: row.stdout,
    stderr: row.stderr,
    terminal: row.terminal === 1,
    ...(row.exit_status === null ? {} : { exitStatus: row.exit_status }),
    ...(row.exit_unknown === null ? {} : { exitUnknown: row.exit_unknown === 1 }),
    ...(row.exited_ns === null ? {} : { exitedAtNs: BigInt(row.exited_ns) }),
    details: JSON.parse(row.details) as Record<string, unknown>,
  };
}
