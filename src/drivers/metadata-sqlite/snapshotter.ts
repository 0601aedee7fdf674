import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { DaemonError } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { mappingOfLabels } from '../../core/kernel/mount-mapping.js';
import type { Mount } from '../../core/kernel/mounts.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { AppliedLayer, LayeredSnapshotter, SnapshotUsage } from '../../core/snapshots/snapshotter.js';
import { checkLabels, LABELS, type Labels } from '../../spec/labels.js';
import { keeping } from './database.js';
import type { LayerDirectories } from './layer-directories.js';
import { checkKey, NamedSnapshots, notMountable } from './named-snapshots.js';
import { checkLease, ensureNamespace, fromJson, type Shared } from './shared.js';
import type { SnapshotRow } from './snapshot-rows.js';

/** What the views of all namespaces on one snapshotter share. */
export interface SnapshotState {
  readonly shared: Shared;
  readonly directories: LayerDirectories;
  /** Held by namespace and key while a snapshot is made, committed or removed. */
  readonly keys: KeyedLock;
}

export function createSnapshotState(shared: Shared, directories: LayerDirectories): SnapshotState {
  return { shared, directories, keys: new KeyedLock() };
}

/** Snapshots of one namespace: names and kinds in the database, files in the backend's directories. */
export class SqliteSnapshotter extends NamedSnapshots implements LayeredSnapshotter {
  readonly #state: SnapshotState;

  constructor(state: SnapshotState, scope: Scope) {
    super(state.shared, scope, state.directories.backend.name, state.keys);
    this.#state = state;
  }

  async usage(key: string, signal?: AbortSignal): Promise<SnapshotUsage> {
    const row = this.rows.needed(key);
    const known = row.kind === 'committed' ? this.rows.usage(row.layer) : undefined;
    return known ?? this.#backend.usage(row.layer, signal);
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    const row = this.rows.needed(key);
    if (row.kind === 'committed') throw notMountable(key);
    const mapping = mappingOfLabels(fromJson(row.labels));
    return Promise.resolve(this.#backend.mounts(row.layer, row.kind, this.rows.layersBelow(row.parent ?? ''), mapping));
  }

  prepare(key: string, parent: string, labels: Labels = {}): Promise<readonly Mount[]> {
    return this.#create('active', key, parent, labels);
  }

  view(key: string, parent: string, labels: Labels = {}): Promise<readonly Mount[]> {
    return this.#create('view', key, parent, labels);
  }

  async #create(kind: 'active' | 'view', key: string, parent: string, labels: Labels): Promise<readonly Mount[]> {
    checkKey(key);
    checkLabels(labels);
    const mapping = mappingOfLabels(labels);
    return this.#state.keys.run(this.lockOf(key), async () => {
      const target = labels[LABELS.snapshotRef];
      this.refuseExisting(key, target);
      const parents = this.rows.layersBelow(parent);
      const { directories } = this.#state;
      const layer = directories.take();
      try {
        await this.#backend.create(layer, { writable: kind === 'active', parents, mapping });
        this.#add({ kind, key, parent, labels, layer, target });
      } catch (cause) {
        await directories.drop(layer);
        throw cause;
      }
      directories.settled(layer);
      return this.#backend.mounts(layer, kind, parents, mapping);
    });
  }

  #add(draft: {
    readonly kind: 'active' | 'view';
    readonly key: string;
    readonly parent: string;
    readonly labels: Labels;
    readonly layer: number;
    readonly target: string | undefined;
  }): void {
    const { kind, key, parent, labels, layer } = draft;
    this.change(() => {
      ensureNamespace(this.shared.db, this.scope.namespace);
      const existing = this.existing(key, draft.target);
      if (existing) throw keeping(this.leased(existing));
      this.rows.layersBelow(parent);
      this.rows.addLayer(layer);
      this.rows.add({ name: key, kind, parent, layer, chained: false, labels });
      this.join(key);
      // containerd says nothing of views; whoever replays the journal has to know of them.
      const verb = kind === 'active' ? 'prepare' : 'view';
      this.record(verb, 'SnapshotPrepare', { key, parent, snapshotter: this.name });
    });
  }

  async commit(name: string, key: string, labels: Labels = {}, signal?: AbortSignal): Promise<void> {
    checkKey(name);
    checkLabels(labels);
    await this.#state.keys.run(
      this.lockOf(key),
      async () => {
        const { layer } = this.change(() => this.#unmapped(this.committable(name, key)));
        await this.#backend.sync([layer]);
        const usage = await this.#backend.usage(layer, signal);
        this.change(() => {
          this.committable(name, key);
          this.rows.commit(key, name, labels, usage);
          this.renamed(key, name);
        });
      },
      signal,
    );
  }

  async known(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { namespace, lease } = this.scope;
    const { db } = this.#state.shared;
    if (lease === undefined) return Promise.resolve(this.rows.chained(names));
    return Promise.resolve(
      this.change(() => {
        const found = this.rows.chained(names);
        checkLease(db, namespace, lease);
        this.rows.leaseLayers(lease, found.values());
        return found;
      }),
    );
  }

  async newLayer(): Promise<number> {
    return Promise.resolve(this.#state.directories.take());
  }

  async adopt(layers: readonly AppliedLayer[]): Promise<void> {
    const { directories } = this.#state;
    const made = [...new Set(layers.map(({ layerId }) => layerId))].filter((id) => directories.isFilling(id));
    for (const { labels } of layers) checkLabels(labels);
    await this.#backend.sync(made);
    this.change(() => {
      ensureNamespace(this.shared.db, this.scope.namespace);
      for (const layer of layers) this.#adoptOne(layer);
    });
    for (const id of made) {
      // Another adoption of the same layer may have named it meanwhile.
      if (this.rows.hasLayer(id)) directories.settled(id);
      else if (directories.isFilling(id)) await directories.drop(id);
    }
  }

  #adoptOne(layer: AppliedLayer): void {
    const { name, parent, layerId, labels, usage } = layer;
    const existing = this.rows.find(name);
    this.join(name);
    if (existing) return;
    this.rows.layersBelow(parent);
    if (!this.rows.hasLayer(layerId)) {
      if (!this.#state.directories.isFilling(layerId)) {
        throw new DaemonError('aborted', `layer ${layerId} of ${name} was removed meanwhile: unpack it again`);
      }
      this.rows.addLayer(layerId, usage);
    }
    this.rows.add({ name, kind: 'committed', parent, layer: layerId, chained: true, labels });
    this.record('commit', 'SnapshotCommit', { key: name, name, snapshotter: this.name });
  }

  async fork(key: string, newKey: string): Promise<void> {
    checkKey(newKey);
    await this.#state.keys.run(this.lockOf(key), async () => {
      const row = this.change(() => this.#forkable(key, newKey));
      const below = this.rows.layersBelow(row.parent ?? '');
      if (row.parent !== null && (await this.#isUntouched(row.layer, below))) {
        await this.#create('active', newKey, row.parent, {});
        return;
      }
      const { directories } = this.#state;
      const made = [directories.take(), directories.take()] as const;
      try {
        for (const id of made) await this.#backend.create(id, { writable: true, parents: [row.layer, ...below] });
        this.change(() => {
          this.#freeze(this.#forkable(key, newKey), newKey, made);
        });
      } catch (cause) {
        for (const id of made) await directories.drop(id);
        throw cause;
      }
      for (const id of made) directories.settled(id);
    });
  }

  /** The writable snapshot; part of a transaction. */
  #forkable(key: string, newKey: string): SnapshotRow {
    const existing = this.existing(newKey, undefined);
    if (existing) throw keeping(this.leased(existing));
    const row = this.rows.needed(key);
    if (row.kind === 'active') return this.#unmapped(row);
    throw new DaemonError(
      'failed-precondition',
      `failed to commit snapshot: snapshot ${JSON.stringify(key)} is not active: failed precondition`,
    );
  }

  /** What was written to a stacked layer has the host's owners: below others, which are seen mapped, they would be mapped twice. */
  #unmapped(row: SnapshotRow): SnapshotRow {
    const mapped = row.parent !== null && mappingOfLabels(fromJson(row.labels)) !== undefined;
    if (!mapped || this.#backend.layering === 'whole') return row;
    throw new DaemonError(
      'unimplemented',
      `snapshot ${row.name} has the owners of a user namespace, so nothing can stand on it: make a layer of it by a diff, or an image by "ctr commit"`,
    );
  }

  /** Nobody has written there: both can stand on the same layers, and forking again and again makes no deeper stack. */
  async #isUntouched(layer: number, below: readonly number[]): Promise<boolean> {
    const [nearest] = below;
    if (nearest === undefined || this.#backend.layering === 'whole') return false;
    const path = this.#backend.filesOf(layer);
    if ((await readdir(path)).length > 0) return false;
    const [own, parents] = await Promise.all(
      [path, this.#backend.filesOf(nearest)].map((each) => lstat(each, { bigint: true })),
    );
    const described = (stat: BigIntStats | undefined) => [stat?.mode, stat?.uid, stat?.gid, stat?.mtimeNs].join();
    return described(own) === described(parents);
  }

  #freeze(row: SnapshotRow, newKey: string, [own, other]: readonly [number, number]): void {
    const { name: key, labels } = row;
    const frozen = `fork-${randomUUID()}`;
    const snapshotter = this.name;
    this.rows.commit(key, frozen, {});
    this.record('commit', 'SnapshotCommit', { key, name: frozen, snapshotter });
    for (const [name, layer] of [
      [key, own],
      [newKey, other],
    ] as const) {
      this.rows.addLayer(layer);
      const kept = name === key ? fromJson(labels) : {};
      this.rows.add({ name, kind: 'active', parent: frozen, layer, chained: false, labels: kept });
      this.record('prepare', 'SnapshotPrepare', { key: name, parent: frozen, snapshotter });
    }
    this.join(newKey);
  }

  async discard(layerId: number): Promise<void> {
    if (this.#state.directories.isFilling(layerId)) await this.#state.directories.drop(layerId);
  }

  get #backend(): LayerDirectories['backend'] {
    return this.#state.directories.backend;
  }
}
