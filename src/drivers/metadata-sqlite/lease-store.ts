import { DaemonError } from '../../base/errors.js';
import type { Lease, LeaseResource, LeaseStore } from '../../core/leases/lease-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { parseDigest } from '../../spec/digest.js';
import { parseListFilters } from '../../spec/filter.js';
import { checkLabels, LABELS, type Labels } from '../../spec/labels.js';
import type { Database } from './database.js';
import { leaseFields } from './filter-fields.js';
import { ensureNamespace, fromJson, isPassing, joinLease, leaveLease, toJson, type Shared } from './shared.js';

interface LeaseRow {
  readonly id: string;
  readonly labels: string;
  readonly created_ms: number;
}

/** Leases of one namespace. */
export class SqliteLeases implements LeaseStore {
  readonly #shared: Shared;
  readonly #db: Database;
  readonly #namespace: string;

  constructor(shared: Shared, { namespace }: Scope) {
    this.#shared = shared;
    this.#db = shared.db;
    this.#namespace = namespace;
  }

  async create({ id, labels }: { readonly id: string; readonly labels: Labels }, operation = false): Promise<Lease> {
    if (id === '') throw new DaemonError('invalid-argument', 'lease id must be provided: invalid argument');
    checkLabels(labels);
    const row: LeaseRow = { id, labels: toJson(labels), created_ms: Date.now() };
    return Promise.resolve(
      this.#db.change(
        () => {
          ensureNamespace(this.#db, this.#namespace);
          const { changes } = this.#db
            .sql('INSERT OR IGNORE INTO leases (namespace, id, labels, operation, created_ms) VALUES (?, ?, ?, ?, ?)')
            .run(this.#namespace, id, row.labels, operation ? 1 : 0, row.created_ms);
          if (changes === 0) throw new DaemonError('already-exists', `lease ${JSON.stringify(id)}: already exists`);
          return toLease(row);
        },
        !operation && !isPassing(labels),
      ),
    );
  }

  async delete(id: string, options: { readonly sync?: boolean } = {}): Promise<void> {
    const labels = fromJson(this.#row(id).labels);
    // With an operation of ours all that it did becomes durable.
    const ends = labels[LABELS.operation] !== undefined;
    this.#db.relieve(
      () => {
        this.#db.sql('DELETE FROM leases WHERE namespace = ? AND id = ?').run(this.#namespace, id);
      },
      ends || !isPassing(labels) || this.#db.owesFlush,
    );
    if (options.sync === true) await this.#shared.collection.run();
    else this.#shared.collection.request();
  }

  async list(filters?: readonly string[]): Promise<readonly Lease[]> {
    const filter = parseListFilters(filters);
    const rows = this.#db.sql<LeaseRow>('SELECT * FROM leases WHERE namespace = ? ORDER BY id').all(this.#namespace);
    return Promise.resolve(rows.map(toLease).filter((lease) => filter(leaseFields(lease))));
  }

  async addResource(id: string, resource: LeaseResource): Promise<void> {
    this.#db.change(() => {
      this.#check(id);
      checkResource(resource);
      joinLease(this.#db, { namespace: this.#namespace, lease: id }, resource.type, resource.id);
    });
    return Promise.resolve();
  }

  async deleteResource(id: string, resource: LeaseResource): Promise<void> {
    this.#db.relieve(() => {
      this.#check(id);
      checkResource(resource);
      leaveLease(this.#db, { namespace: this.#namespace, lease: id }, resource.type, resource.id);
    });
    this.#shared.collection.request();
    return Promise.resolve();
  }

  async resources(id: string): Promise<readonly LeaseResource[]> {
    this.#check(id);
    const rows = this.#db
      .sql<{
        type: string;
        resource: string;
      }>('SELECT type, resource FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, resource')
      .all(this.#namespace, id);
    return Promise.resolve(rows.map(({ type, resource }) => ({ type, id: resource })));
  }

  #check(id: string): void {
    this.#row(id);
  }

  #row(id: string): LeaseRow {
    const row = this.#db.sql<LeaseRow>('SELECT * FROM leases WHERE namespace = ? AND id = ?').get(this.#namespace, id);
    if (row === undefined) throw new DaemonError('not-found', `lease ${JSON.stringify(id)}: not found`);
    return row;
  }
}

function checkResource({ type, id }: LeaseResource): void {
  const [kind, snapshotter, ...rest] = type.split('/');
  if (kind === 'snapshots') {
    if (snapshotter !== undefined && rest.length === 0) return;
    throw new DaemonError('invalid-argument', `invalid snapshot resource type ${type}: invalid argument`);
  }
  if (kind !== 'content' && kind !== 'ingests' && kind !== 'images') {
    throw new DaemonError('unimplemented', `resource type ${type} not supported yet: not implemented`);
  }
  if (snapshotter !== undefined) {
    throw new DaemonError('invalid-argument', `invalid resource type ${type}: invalid argument`);
  }
  if (kind === 'content') parseDigest(id);
}

function toLease(row: LeaseRow): Lease {
  return { id: row.id, labels: fromJson(row.labels), createdAt: new Date(row.created_ms) };
}
