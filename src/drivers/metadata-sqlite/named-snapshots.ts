import { DaemonError } from '../../base/errors.js';
import type { KeyedLock } from '../../base/keyed-lock.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { SnapshotInfo } from '../../core/snapshots/snapshotter.js';
import { updateLabels } from '../../spec/field-paths.js';
import { parseFilters } from '../../spec/filter.js';
import { checkLabels, LABELS, type Labels } from '../../spec/labels.js';
import { keeping } from './database.js';
import { snapshotFields } from './filter-fields.js';
import { event, fromJson, joinLease, leaveLease, type Shared } from './shared.js';
import { SnapshotRows, toSnapshotInfo, type SnapshotRow } from './snapshot-rows.js';

/** The part of a snapshotter that is names, kinds and labels of one namespace, wherever the files are. */
export class NamedSnapshots {
  protected readonly shared: Shared;
  protected readonly scope: Scope;
  protected readonly name: string;
  protected readonly rows: SnapshotRows;
  readonly #keys: KeyedLock;

  /**
   * @param name Of the snapshotter.
   * @param keys Held by `lockOf` while a snapshot is made, committed or removed.
   */
  constructor(shared: Shared, scope: Scope, name: string, keys: KeyedLock) {
    this.shared = shared;
    this.scope = scope;
    this.name = name;
    this.rows = new SnapshotRows(shared.db, scope.namespace, name);
    this.#keys = keys;
  }

  async stat(key: string): Promise<SnapshotInfo> {
    return Promise.resolve(toSnapshotInfo(this.rows.needed(key)));
  }

  async update(key: string, labels: Labels, fieldPaths?: readonly string[]): Promise<SnapshotInfo> {
    return Promise.resolve(
      this.change(() => {
        const { labels: current } = toSnapshotInfo(this.rows.needed(key));
        const updated = updateLabels(`snapshot ${JSON.stringify(key)}`, { current, given: labels }, fieldPaths);
        checkLabels(updated);
        this.rows.setLabels(key, updated);
        return toSnapshotInfo(this.rows.needed(key));
      }),
    );
  }

  async remove(key: string): Promise<void> {
    await this.#keys.run(this.lockOf(key), async () => {
      // Nothing keeps it, so that it is garbage if a power cut brings it back; its files stay until its name is gone durably.
      const flush = fromJson(this.rows.needed(key).labels)[LABELS.gcRoot] !== undefined;
      this.shared.db.relieve(() => {
        if (this.rows.hasChildren(key)) throw hasChildren();
        this.rows.remove(key);
        leaveLease(this.shared.db, this.scope, this.#leaseType, key);
        this.record('remove', 'SnapshotRemove', { key, snapshotter: this.name });
      }, flush);
      return Promise.resolve();
    });
    this.shared.collection.request();
  }

  async list(filters?: readonly string[]): Promise<readonly SnapshotInfo[]> {
    const filter = parseFilters(filters);
    const infos = this.rows.list().map(toSnapshotInfo);
    return Promise.resolve(infos.filter((info) => filter(snapshotFields(info))));
  }

  /** What is there already joins the caller's lease, and that is kept (WIRE.md 14, 16). */
  protected refuseExisting(key: string, target: string | undefined): void {
    const existing = this.existing(key, target);
    if (!existing) return;
    this.change(() => {
      throw keeping(this.leased(existing));
    });
  }

  protected existing(
    key: string,
    target: string | undefined,
  ): { readonly name: string; readonly text: string } | undefined {
    if (target !== undefined && target !== '' && this.rows.find(target)) {
      return { name: target, text: `target snapshot ${JSON.stringify(target)}: already exists` };
    }
    return this.rows.find(key) && { name: key, text: `snapshot ${JSON.stringify(key)}: already exists` };
  }

  protected leased(existing: { readonly name: string; readonly text: string }): DaemonError {
    this.join(existing.name);
    return new DaemonError('already-exists', existing.text);
  }

  /** The active snapshot that may be frozen under `name`; part of a transaction. */
  protected committable(name: string, key: string): SnapshotRow {
    if (this.rows.find(name)) {
      throw keeping(this.leased({ name, text: `snapshot ${JSON.stringify(name)}: already exists` }));
    }
    const row = this.rows.needed(key);
    if (row.kind === 'active') return row;
    throw new DaemonError(
      'failed-precondition',
      `failed to commit snapshot: snapshot ${JSON.stringify(key)} is not active: failed precondition`,
    );
  }

  /** A key has become a name: lease and journal follow; part of a transaction. */
  protected renamed(key: string, name: string): void {
    leaveLease(this.shared.db, this.scope, this.#leaseType, key);
    this.join(name);
    this.record('commit', 'SnapshotCommit', { key, name, snapshotter: this.name });
  }

  get #leaseType(): string {
    return `snapshots/${this.name}`;
  }

  protected join(name: string): void {
    joinLease(this.shared.db, this.scope, this.#leaseType, name);
  }

  protected lockOf(key: string): string {
    return `${this.scope.namespace}\0${key}`;
  }

  protected change<T>(work: () => T, flush = true): T {
    return this.shared.db.change(work, flush);
  }

  protected record(verb: string, type: string, fields: Readonly<Record<string, unknown>>): void {
    const happened = event(`/snapshot/${verb}`, `containerd.events.${type}`, fields);
    this.shared.journal.record(this.scope.namespace, happened);
  }
}

/** @throws invalid-argument: it is empty. */
export function checkKey(key: string): void {
  if (key === '') throw new DaemonError('invalid-argument', 'snapshot key must not be empty: invalid argument');
}

/** A committed snapshot has no mounts. */
export function notMountable(key: string): DaemonError {
  return new DaemonError(
    'failed-precondition',
    `failed to get active mount: requested snapshot ${key} not active or view: failed precondition`,
  );
}

function hasChildren(): DaemonError {
  return new DaemonError('failed-precondition', 'cannot remove snapshot with child: failed precondition');
}
