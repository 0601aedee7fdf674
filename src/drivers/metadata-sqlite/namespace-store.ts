import { DaemonError } from '../../base/errors.js';
import type { Namespace, NamespaceStore } from '../../core/namespaces/namespace-store.js';
import { updateMap, wrongPath } from '../../spec/field-paths.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { checkLabels, type Labels } from '../../spec/labels.js';
import type { Database } from './database.js';
import { ensureNamespace, event, fromJson, toJson, type Shared } from './shared.js';

interface NamespaceRow {
  readonly name: string;
  readonly labels: string;
}

/** All namespaces of the daemon. */
export class SqliteNamespaces implements NamespaceStore {
  readonly #shared: Shared;
  readonly #db: Database;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#db = shared.db;
  }

  async get(name: string): Promise<Namespace> {
    return Promise.resolve({ name, labels: this.#labels(name) });
  }

  async list(): Promise<readonly Namespace[]> {
    const rows = this.#db.sql<NamespaceRow>('SELECT * FROM namespaces ORDER BY name').all();
    return Promise.resolve(rows.map(({ name, labels }) => ({ name, labels: fromJson(labels) })));
  }

  async create({ name, labels }: Namespace): Promise<Namespace> {
    checkIdentifier(name, '');
    checkLabels(labels);
    return Promise.resolve(
      this.#db.change(() => {
        const { changes } = this.#db
          .sql('INSERT OR IGNORE INTO namespaces (name, labels) VALUES (?, ?)')
          .run(name, toJson(labels));
        if (changes === 0) throw new DaemonError('already-exists', `namespace ${JSON.stringify(name)}: already exists`);
        return this.#recorded('create', 'NamespaceCreate', name);
      }),
    );
  }

  async update({ name, labels }: Namespace, fieldPaths: readonly string[] = []): Promise<Namespace> {
    return Promise.resolve(
      this.#db.change(() => {
        ensureNamespace(this.#db, name);
        const updated = fieldPaths.reduce(
          (current, path) => {
            const changed = updateMap(path, { field: 'labels', current, given: labels });
            if (!changed) throw wrongPath(path, `namespace ${JSON.stringify(name)}`);
            return changed;
          },
          fieldPaths.length === 0 ? labels : this.#labels(name),
        );
        checkLabels(updated);
        this.#db.sql('UPDATE namespaces SET labels = ? WHERE name = ?').run(toJson(updated), name);
        return this.#recorded('update', 'NamespaceUpdate', name);
      }),
    );
  }

  async delete(name: string): Promise<void> {
    this.#db.change(() => {
      const left = this.#contents(name);
      if (left.length > 0) {
        throw new DaemonError(
          'failed-precondition',
          `namespace ${JSON.stringify(name)} must be empty, but it still has ${left.join(', ')}: failed precondition`,
        );
      }
      const { changes } = this.#db.sql('DELETE FROM namespaces WHERE name = ?').run(name);
      if (changes === 0) throw new DaemonError('not-found', `namespace ${JSON.stringify(name)}: not found`);
      const happened = event('/namespaces/delete', 'containerd.events.NamespaceDelete', { name });
      this.#shared.journal.record(name, happened);
    });
    return Promise.resolve();
  }

  /** What of a namespace keeps it from being deleted; leases and ingests don't. */
  #contents(name: string): string[] {
    const kinds: readonly (readonly [string, string])[] = [
      ['images', 'images'],
      ['blobs', 'blobs'],
      ['containers', 'containers'],
      ['processes', 'tasks'],
      ['sandboxes', 'sandboxes'],
      ['sandbox_runs', 'running sandboxes'],
    ];
    const left = kinds
      .filter(([table]) => this.#db.sql(`SELECT 1 FROM ${table} WHERE namespace = ? LIMIT 1`).get(name) !== undefined)
      .map(([, word]) => word);
    const snapshotters = this.#db
      .sql<{ snapshotter: string }>('SELECT DISTINCT snapshotter FROM snapshots WHERE namespace = ? ORDER BY 1')
      .all(name);
    return [...left, ...snapshotters.map(({ snapshotter }) => `snapshots on "${snapshotter}" snapshotter`)];
  }

  #labels(name: string): Labels {
    const row = this.#db.sql<NamespaceRow>('SELECT * FROM namespaces WHERE name = ?').get(name);
    return row ? fromJson(row.labels) : {};
  }

  #recorded(verb: string, type: string, name: string): Namespace {
    const labels = this.#labels(name);
    const happened = event(`/namespaces/${verb}`, `containerd.events.${type}`, { name, labels });
    this.#shared.journal.record(name, happened);
    return { name, labels };
  }
}
