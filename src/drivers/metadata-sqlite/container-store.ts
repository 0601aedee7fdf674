import { DaemonError } from '../../base/errors.js';
import type { Container, ContainerDraft, RenamingContainerStore } from '../../core/containers/container-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { updateMap, wrongPath } from '../../spec/field-paths.js';
import { parseListFilters } from '../../spec/filter.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { checkLabels } from '../../spec/labels.js';
import { extensionsFromJson, extensionsToJson, toAny } from './any-columns.js';
import type { Database } from './database.js';
import { containerFields } from './filter-fields.js';
import { ensureNamespace, event, fromJson, toJson, type Shared } from './shared.js';

interface ContainerRow {
  readonly id: string;
  readonly labels: string;
  readonly image: string;
  readonly runtime: string;
  readonly options_type: string | null;
  readonly options_value: Buffer | null;
  readonly spec_type: string | null;
  readonly spec_value: Buffer | null;
  readonly snapshotter: string;
  readonly snapshot_key: string;
  readonly extensions: string;
  readonly sandbox: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

/** What changes without field paths; the rest of a container never does. */
const MUTABLE = ['labels', 'spec', 'extensions', 'image', 'snapshotkey'];

/** Containers of one namespace. */
export class SqliteContainers implements RenamingContainerStore {
  readonly #shared: Shared;
  readonly #db: Database;
  readonly #scope: Scope;

  constructor(shared: Shared, scope: Scope) {
    this.#shared = shared;
    this.#db = shared.db;
    this.#scope = scope;
  }

  async get(id: string): Promise<Container> {
    const container = this.#find(id);
    if (!container) {
      throw new DaemonError(
        'not-found',
        `container ${JSON.stringify(id)} in namespace ${JSON.stringify(this.#scope.namespace)}: not found`,
      );
    }
    return Promise.resolve(container);
  }

  async list(filters?: readonly string[]): Promise<readonly Container[]> {
    const filter = parseListFilters(filters);
    const rows = this.#db
      .sql<ContainerRow>('SELECT * FROM containers WHERE namespace = ? ORDER BY id')
      .all(this.#scope.namespace);
    return Promise.resolve(rows.map(toContainer).filter((container) => filter(containerFields(container))));
  }

  async create(draft: ContainerDraft): Promise<Container> {
    checkContainer(draft, 'create container failed validation');
    return Promise.resolve(
      this.#db.change(() => {
        ensureNamespace(this.#db, this.#scope.namespace);
        if (this.#find(draft.id)) {
          throw new DaemonError('already-exists', `container ${JSON.stringify(draft.id)}: already exists`);
        }
        const now = new Date();
        return this.#add({ ...draft, createdAt: now, updatedAt: now });
      }),
    );
  }

  async update(draft: ContainerDraft, fieldPaths: readonly string[] = []): Promise<Container> {
    if (draft.id === '') throw new DaemonError('invalid-argument', 'must specify a container id: invalid argument');
    return Promise.resolve(
      this.#db.change(() => {
        const former = this.#find(draft.id);
        if (!former) throw new DaemonError('not-found', `container ${JSON.stringify(draft.id)}: not found`);
        if (fieldPaths.length === 0) checkImmutable(former, draft);
        const paths = fieldPaths.length === 0 ? MUTABLE : fieldPaths;
        const updated = paths.reduce<Container>((container, path) => applyPath(container, draft, path), former);
        checkContainer(updated, 'update failed validation');
        const written = this.#write({ ...updated, updatedAt: new Date() });
        const { id, image, labels, snapshotKey } = written;
        this.#record('update', 'ContainerUpdate', { id, image, labels, snapshot_key: snapshotKey });
        return written;
      }),
    );
  }

  async rename(id: string, draft: ContainerDraft): Promise<Container> {
    checkContainer(draft, 'rename failed validation');
    return Promise.resolve(
      this.#db.change(() => {
        const former = this.#find(id);
        if (!former) throw new DaemonError('not-found', `container ${id}: not found`);
        if (this.#find(draft.id)) throw new DaemonError('already-exists', `container ${draft.id}: already exists`);
        this.#remove(id);
        return this.#add({ ...draft, createdAt: former.createdAt, updatedAt: new Date() });
      }),
    );
  }

  async delete(id: string): Promise<void> {
    this.#db.relieve(() => {
      this.#remove(id);
    });
    this.#shared.collection.request();
    return Promise.resolve();
  }

  #add(container: Container): Container {
    const created = this.#write(container);
    const { id, image, runtime } = created;
    const options = runtime.options && {
      type_url: runtime.options.typeUrl,
      value: Buffer.from(runtime.options.value).toString('base64'),
    };
    this.#record('create', 'ContainerCreate', { id, image, runtime: { name: runtime.name, options } });
    return created;
  }

  #remove(id: string): void {
    const { changes } = this.#db
      .sql('DELETE FROM containers WHERE namespace = ? AND id = ?')
      .run(this.#scope.namespace, id);
    if (changes === 0) throw new DaemonError('not-found', `container ${id}: not found`);
    this.#record('delete', 'ContainerDelete', { id });
  }

  #find(id: string): Container | undefined {
    const row = this.#db
      .sql<ContainerRow>('SELECT * FROM containers WHERE namespace = ? AND id = ?')
      .get(this.#scope.namespace, id);
    return row && toContainer(row);
  }

  #write(container: Container): Container {
    const { runtime, spec } = container;
    this.#db
      .sql(
        `INSERT OR REPLACE INTO containers (namespace, id, labels, image, runtime, options_type, options_value, spec_type, spec_value,
         snapshotter, snapshot_key, extensions, sandbox, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#scope.namespace,
        container.id,
        toJson(container.labels),
        container.image,
        runtime.name,
        runtime.options?.typeUrl ?? null,
        runtime.options?.value ?? null,
        spec?.typeUrl ?? null,
        spec?.value ?? null,
        container.snapshotter,
        container.snapshotKey,
        extensionsToJson(container.extensions),
        container.sandbox,
        container.createdAt.getTime(),
        container.updatedAt.getTime(),
      );
    return { ...container, labels: fromJson(toJson(container.labels)) };
  }

  #record(verb: string, type: string, fields: Readonly<Record<string, unknown>>): void {
    const happened = event(`/containers/${verb}`, `containerd.events.${type}`, fields);
    this.#shared.journal.record(this.#scope.namespace, happened);
  }
}

function applyPath(container: Container, given: ContainerDraft, path: string): Container {
  const { spec: _, ...rest } = container;
  switch (path) {
    case 'spec':
      return given.spec ? { ...rest, spec: given.spec } : rest;
    case 'extensions':
      return { ...container, extensions: given.extensions };
    case 'image':
      return { ...container, image: given.image };
    case 'snapshotkey':
      return { ...container, snapshotKey: given.snapshotKey };
  }
  const labels = updateMap(path, { field: 'labels', current: container.labels, given: given.labels });
  if (labels) return { ...container, labels };
  if (!path.startsWith('extensions.')) throw wrongPath(path, JSON.stringify(container.id));
  const key = path.slice('extensions.'.length);
  const others = Object.entries(container.extensions).filter(([other]) => other !== key);
  const value = Object.hasOwn(given.extensions, key) ? given.extensions[key] : undefined;
  return { ...container, extensions: Object.fromEntries(value === undefined ? others : [...others, [key, value]]) };
}

function checkImmutable(former: Container, draft: ContainerDraft): void {
  if (former.snapshotter !== draft.snapshotter) throw invalid('container.Snapshotter field is immutable');
  if (former.runtime.name !== draft.runtime.name) throw invalid('container.Runtime.Name field is immutable');
}

function checkContainer(container: ContainerDraft, context: string): void {
  checkIdentifier(container.id, `${context}: container.ID`);
  if (Object.hasOwn(container.extensions, '')) {
    throw invalid(`${context}: container.Extension keys must not be zero-length`);
  }
  checkLabels(container.labels, `${context}: containers.Labels: `);
  if (container.runtime.name === '') throw invalid(`${context}: container.Runtime.Name must be set`);
  if (!container.spec) throw invalid(`${context}: container.Spec must be set`);
  if (container.snapshotKey !== '' && container.snapshotter === '') {
    throw invalid(`${context}: container.Snapshotter must be set if container.SnapshotKey is set`);
  }
}

function invalid(what: string): DaemonError {
  return new DaemonError('invalid-argument', `${what}: invalid argument`);
}

function toContainer(row: ContainerRow): Container {
  const options = toAny(row.options_type, row.options_value);
  const spec = toAny(row.spec_type, row.spec_value);
  return {
    id: row.id,
    labels: fromJson(row.labels),
    image: row.image,
    runtime: { name: row.runtime, ...(options && { options }) },
    ...(spec && { spec }),
    snapshotter: row.snapshotter,
    snapshotKey: row.snapshot_key,
    extensions: extensionsFromJson(row.extensions),
    sandbox: row.sandbox,
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}
