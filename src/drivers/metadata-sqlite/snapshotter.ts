import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { DaemonError } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { mappingLabels, mappingOfLabels } from '../../core/kernel/mount-mapping.js';
import type { Mount } from '../../core/kernel/mounts.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { containerOwners } from '../../core/snapshots/container-owners.js';
import type { AppliedLayer, LayeredSnapshotter, SnapshotUsage } from '../../core/snapshots/snapshotter.js';
import { checkLabels, LABELS, type Labels } from '../../spec/labels.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import { keeping } from './database.js';
import type { LayerDirectories } from './layer-directories.js';
import { checkKey, NamedSnapshots, notMountable } from './named-snapshots.js';
import { checkLease, ensureNamespace, fromJson, isUnderPassingLease, type Shared } from './shared.js';
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
    const { db } = this.shared;
    const passing = isUnderPassingLease(db, this.scope);
    db[passing ? 'defer' : 'change'](() => {
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
        const row = this.change(() => this.committable(name, key));
        await this.#asLayer(row, signal, async (layer) => {
          await this.#backend.sync([layer]);
          const usage = await this.#backend.usage(layer, signal);
          this.change(() => {
            this.committable(name, key);
            this.#standOn(layer, row);
            this.rows.commit(key, name, labels, usage);
            this.renamed(key, name);
          });
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
    }, !this.scope.partOfOperation);
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
      const mapping = mappingOfLabels(fromJson(row.labels));
      if (row.parent !== null && (await this.#isUntouched(row.layer, below, mapping))) {
        await this.#create('active', newKey, row.parent, mapping ? mappingLabels(mapping) : {});
        return;
      }
      await this.#asLayer(row, undefined, async (layer) => {
        await this.#fork(row, newKey, { layer, parents: [layer, ...below], mapping });
      });
    });
  }

  async #fork(
    row: SnapshotRow,
    newKey: string,
    frozen: {
      readonly layer: number;
      readonly parents: readonly number[];
      readonly mapping: IdMapping | undefined;
    },
  ): Promise<void> {
    const { parents, mapping } = frozen;
    const { directories } = this.#state;
    const made = [directories.take(), directories.take()] as const;
    try {
      if (frozen.layer !== row.layer) await this.#backend.sync([frozen.layer]);
      for (const id of made) await this.#backend.create(id, { writable: true, parents, mapping });
      this.change(() => {
        const now = this.#forkable(row.name, newKey);
        this.#standOn(frozen.layer, row);
        this.#freeze(now, newKey, made);
      });
    } catch (cause) {
      for (const id of made) await directories.drop(id);
      throw cause;
    }
    for (const id of made) directories.settled(id);
  }

  /**
   * Runs `use` with the number of a layer that has what was written to a snapshot and can lie below others: the snapshot's own, or where
   * that has the owners of a user namespace a copy with the container's, which goes again unless `use` took it by #standOn.
   */
  async #asLayer(
    row: SnapshotRow,
    signal: AbortSignal | undefined,
    use: (layer: number) => Promise<void>,
  ): Promise<void> {
    const mapping = row.parent === null ? undefined : mappingOfLabels(fromJson(row.labels));
    if (!mapping || this.#backend.layering === 'whole') {
      await use(row.layer);
      return;
    }
    if (!this.#backend.copyAsContainer) {
      throw new DaemonError(
        'unimplemented',
        `snapshot ${row.name} has the owners of a user namespace, and snapshotter ${this.name} makes no layers of such: take an image by "ctr commit"`,
      );
    }
    const { directories } = this.#state;
    const copy = directories.take();
    try {
      await this.#backend.copyAsContainer(row.layer, copy, mapping, signal);
      await use(copy);
    } catch (cause) {
      await directories.drop(copy);
      throw cause;
    }
    directories.settled(copy);
    this.#state.shared.collection.request();
  }

  /** The snapshot has this layer from now on; one that was its own is garbage then. Part of a transaction. */
  #standOn(layer: number, { name, layer: own }: SnapshotRow): void {
    if (layer === own) return;
    this.rows.addLayer(layer);
    this.rows.setLayer(name, layer);
  }

  /** The writable snapshot; part of a transaction. */
  #forkable(key: string, newKey: string): SnapshotRow {
    const existing = this.existing(newKey, undefined);
    if (existing) throw keeping(this.leased(existing));
    const row = this.rows.needed(key);
    if (row.kind === 'active') return row;
    throw new DaemonError(
      'failed-precondition',
      `failed to commit snapshot: snapshot ${JSON.stringify(key)} is not active: failed precondition`,
    );
  }

  /** Nobody has written there: both can stand on the same layers, and forking again and again makes no deeper stack. */
  async #isUntouched(layer: number, below: readonly number[], mapping: IdMapping | undefined): Promise<boolean> {
    const [nearest] = below;
    if (nearest === undefined || this.#backend.layering === 'whole') return false;
    const path = this.#backend.filesOf(layer);
    if ((await readdir(path)).length > 0) return false;
    const [own, parents] = await Promise.all(
      [path, this.#backend.filesOf(nearest)].map((each) => lstat(each, { bigint: true })),
    );
    if (!own || !parents) return false;
    const ids = ({ uid, gid }: BigIntStats) => ({ uid: Number(uid), gid: Number(gid) });
    const described = ({ mode, mtimeNs }: BigIntStats, { uid, gid }: ReturnType<typeof ids>) =>
      [mode, mtimeNs, uid, gid].join();
    return described(own, containerOwners(ids(own), mapping)) === described(parents, ids(parents));
  }

  #freeze(row: SnapshotRow, newKey: string, [own, other]: readonly [number, number]): void {
    const { name: key, labels } = row;
    const frozen = `fork-${randomUUID()}`;
    const snapshotter = this.name;
    this.rows.commit(key, frozen, {});
    this.record('commit', 'SnapshotCommit', { key, name: frozen, snapshotter });
    const kept = fromJson(labels);
    const mapping = mappingOfLabels(kept);
    for (const [name, layer, given] of [
      [key, own, kept],
      [newKey, other, mapping ? mappingLabels(mapping) : {}],
    ] as const) {
      this.rows.addLayer(layer);
      this.rows.add({ name, kind: 'active', parent: frozen, layer, chained: false, labels: given });
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
