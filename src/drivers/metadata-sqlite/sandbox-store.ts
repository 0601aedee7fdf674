import { DaemonError } from '../../base/errors.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type {
  Sandbox,
  SandboxDraft,
  SandboxRun,
  SandboxRuns,
  SandboxStore,
} from '../../core/sandboxes/sandbox-store.js';
import { updateMap } from '../../spec/field-paths.js';
import { parseListFilters } from '../../spec/filter.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { checkLabels } from '../../spec/labels.js';
import { extensionsFromJson, extensionsToJson, toAny } from './any-columns.js';
import type { Database } from './database.js';
import { sandboxFields } from './filter-fields.js';
import { ensureNamespace, event, fromJson, toJson, type Shared } from './shared.js';

interface SandboxRow {
  readonly id: string;
  readonly labels: string;
  readonly runtime: string;
  readonly options_type: string | null;
  readonly options_value: Buffer | null;
  readonly spec_type: string | null;
  readonly spec_value: Buffer | null;
  readonly extensions: string;
  readonly sandboxer: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

const MUTABLE = ['labels', 'extensions', 'spec', 'runtime'];

export class SqliteSandboxes implements SandboxStore {
  readonly #db: Database;
  readonly #namespace: string;

  constructor({ db }: Shared, { namespace }: Scope) {
    this.#db = db;
    this.#namespace = namespace;
  }

  async get(id: string): Promise<Sandbox> {
    return Promise.resolve(this.#needed(id));
  }

  async list(filters?: readonly string[]): Promise<readonly Sandbox[]> {
    const filter = parseListFilters(filters);
    const rows = this.#db.sql<SandboxRow>('SELECT * FROM sandboxes WHERE namespace = ? ORDER BY id');
    return Promise.resolve(
      rows
        .all(this.#namespace)
        .map(toSandbox)
        .filter((sandbox) => filter(sandboxFields(sandbox))),
    );
  }

  async create(draft: SandboxDraft): Promise<Sandbox> {
    checkSandbox(draft);
    return Promise.resolve(
      this.#db.change(() => {
        ensureNamespace(this.#db, this.#namespace);
        if (this.#find(draft.id)) {
          throw new DaemonError('already-exists', `sandbox ${JSON.stringify(draft.id)}: already exists`);
        }
        const now = new Date();
        return this.#write({ ...draft, createdAt: now, updatedAt: now });
      }),
    );
  }

  async update(draft: SandboxDraft, fieldPaths: readonly string[] = []): Promise<Sandbox> {
    return Promise.resolve(
      this.#db.change(() => {
        const former = this.#needed(draft.id);
        if (fieldPaths.length === 0 && former.runtime.name !== draft.runtime.name) {
          throw new DaemonError('invalid-argument', 'sandbox.Runtime.Name field is immutable: invalid argument');
        }
        const paths = fieldPaths.length === 0 ? MUTABLE : fieldPaths;
        const updated = paths.reduce<Sandbox>((sandbox, path) => applyPath(sandbox, draft, path), former);
        checkSandbox(updated);
        return this.#write({ ...updated, updatedAt: new Date() });
      }),
    );
  }

  async delete(id: string): Promise<void> {
    this.#db.relieve(() => {
      const { changes } = this.#db.sql('DELETE FROM sandboxes WHERE namespace = ? AND id = ?').run(this.#namespace, id);
      if (changes === 0) throw notFound(id);
    });
    return Promise.resolve();
  }

  #needed(id: string): Sandbox {
    const sandbox = this.#find(id);
    if (sandbox) return sandbox;
    throw notFound(id);
  }

  #find(id: string): Sandbox | undefined {
    const row = this.#db
      .sql<SandboxRow>('SELECT * FROM sandboxes WHERE namespace = ? AND id = ?')
      .get(this.#namespace, id);
    return row && toSandbox(row);
  }

  #write(sandbox: Sandbox): Sandbox {
    const { runtime, spec } = sandbox;
    this.#db
      .sql(
        `INSERT OR REPLACE INTO sandboxes (namespace, id, labels, runtime, options_type, options_value, spec_type, spec_value,
         extensions, sandboxer, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#namespace,
        sandbox.id,
        toJson(sandbox.labels),
        runtime.name,
        runtime.options?.typeUrl ?? null,
        runtime.options?.value ?? null,
        spec?.typeUrl ?? null,
        spec?.value ?? null,
        extensionsToJson(sandbox.extensions),
        sandbox.sandboxer,
        sandbox.createdAt.getTime(),
        sandbox.updatedAt.getTime(),
      );
    return { ...sandbox, labels: fromJson(toJson(sandbox.labels)) };
  }
}

interface RunRow {
  readonly state: SandboxRun['state'];
  readonly started_ms: number | null;
  readonly exited_ms: number | null;
}

export class SqliteSandboxRuns implements SandboxRuns {
  readonly #shared: Shared;
  readonly #db: Database;
  readonly #namespace: string;

  constructor(shared: Shared, { namespace }: Scope) {
    this.#shared = shared;
    this.#db = shared.db;
    this.#namespace = namespace;
  }

  find(id: string): SandboxRun | undefined {
    const row = this.#db
      .sql<RunRow>('SELECT * FROM sandbox_runs WHERE namespace = ? AND id = ?')
      .get(this.#namespace, id);
    if (!row) return undefined;
    const { state, started_ms: startedMs, exited_ms: exitedMs } = row;
    return { id, state, ...(startedMs !== null && { startedMs }), ...(exitedMs !== null && { exitedMs }) };
  }

  create(id: string): SandboxRun {
    checkIdentifier(id, 'invalid sandbox ID');
    return this.#db.change(() => {
      ensureNamespace(this.#db, this.#namespace);
      const { changes } = this.#db
        .sql(`INSERT OR IGNORE INTO sandbox_runs (namespace, id, state) VALUES (?, ?, 'created')`)
        .run(this.#namespace, id);
      if (changes === 0) throw new DaemonError('already-exists', `sandbox ${JSON.stringify(id)}: already exists`);
      this.#record('create', 'SandboxCreate', { sandbox_id: id });
      return { id, state: 'created' };
    });
  }

  change({ id, state, startedMs, exitedMs }: SandboxRun): void {
    this.#db.change(() => {
      this.#db
        .sql('UPDATE sandbox_runs SET state = ?, started_ms = ?, exited_ms = ? WHERE namespace = ? AND id = ?')
        .run(state, startedMs ?? null, exitedMs ?? null, this.#namespace, id);
      if (state === 'ready') this.#record('start', 'SandboxStart', { sandbox_id: id });
      if (state === 'stopped') {
        const at = exitedMs ?? 0;
        const exited_at = { seconds: String(Math.floor(at / 1000)), nanos: (at % 1000) * 1_000_000 };
        this.#record('exit', 'SandboxExit', { sandbox_id: id, exit_status: 0, exited_at });
      }
    });
  }

  remove(id: string): void {
    this.#db.relieve(() => {
      this.#db.sql('DELETE FROM sandbox_runs WHERE namespace = ? AND id = ?').run(this.#namespace, id);
    });
  }

  #record(verb: string, type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#shared.journal.record(this.#namespace, event(`/sandbox/${verb}`, `containerd.events.${type}`, fields));
  }
}

function applyPath(sandbox: Sandbox, given: SandboxDraft, path: string): Sandbox {
  const { spec: _, ...rest } = sandbox;
  switch (path) {
    case 'spec':
      return given.spec ? { ...rest, spec: given.spec } : rest;
    case 'extensions':
      return { ...sandbox, extensions: given.extensions };
    case 'runtime':
      return { ...sandbox, runtime: given.runtime };
  }
  const labels = updateMap(path, { field: 'labels', current: sandbox.labels, given: given.labels });
  if (labels) return { ...sandbox, labels };
  const key = /^extensions\.(.+)$/.exec(path)?.[1];
  if (key === undefined) {
    const what = `cannot update ${JSON.stringify(path)} field on sandbox ${JSON.stringify(sandbox.id)}`;
    throw new DaemonError('invalid-argument', `${what}: invalid argument`);
  }
  const others = Object.entries(sandbox.extensions).filter(([other]) => other !== key);
  const value = Object.hasOwn(given.extensions, key) ? given.extensions[key] : undefined;
  return { ...sandbox, extensions: Object.fromEntries(value === undefined ? others : [...others, [key, value]]) };
}

function checkSandbox({ id, labels }: SandboxDraft): void {
  checkIdentifier(id, 'failed to validate sandbox: invalid sandbox ID');
  checkLabels(labels);
}

function notFound(id: string): DaemonError {
  return new DaemonError('not-found', `sandbox ${JSON.stringify(id)}: not found`);
}

function toSandbox(row: SandboxRow): Sandbox {
  const options = toAny(row.options_type, row.options_value);
  const spec = toAny(row.spec_type, row.spec_value);
  return {
    id: row.id,
    labels: fromJson(row.labels),
    runtime: { name: row.runtime, ...(options && { options }) },
    ...(spec && { spec }),
    extensions: extensionsFromJson(row.extensions),
    sandboxer: row.sandboxer,
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}
