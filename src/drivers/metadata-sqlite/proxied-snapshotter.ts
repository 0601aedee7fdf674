import { DaemonError, isKind } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import type { Mount } from '../../core/kernel/mounts.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { Snapshotter, SnapshotUsage } from '../../core/snapshots/snapshotter.js';
import { checkLabels, LABELS, type Labels } from '../../spec/labels.js';
import { checkKey, NamedSnapshots, notMountable } from './named-snapshots.js';
import type { ProxiedLayers } from './proxied-layers.js';
import { ensureNamespace, type Shared } from './shared.js';

/** What the views of all namespaces on one snapshotter of another program share. */
export interface ProxiedState {
  readonly shared: Shared;
  readonly layers: ProxiedLayers;
  readonly keys: KeyedLock;
}

export function createProxiedState(shared: Shared, layers: ProxiedLayers): ProxiedState {
  return { shared, layers, keys: new KeyedLock() };
}

/** Labels that a snapshotter is told: those meant for it. */
const TOLD = 'containerd.io/snapshot/';

/** Snapshots of one namespace whose names are in the database, and whose files are another program's. */
export class ProxiedSnapshotter extends NamedSnapshots implements Snapshotter {
  readonly #state: ProxiedState;
  readonly #layers: ProxiedLayers;
  readonly #backend: Snapshotter;

  constructor(state: ProxiedState, scope: Scope) {
    super(state.shared, scope, state.layers.backend.name, state.keys);
    this.#state = state;
    this.#layers = state.layers;
    this.#backend = state.layers.backend.snapshots({ namespace: scope.namespace });
  }

  async usage(key: string, signal?: AbortSignal): Promise<SnapshotUsage> {
    return await this.#backend.usage(this.#layers.keyOf(this.rows.needed(key).layer), signal);
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    const row = this.rows.needed(key);
    if (row.kind === 'committed') throw notMountable(key);
    return await this.#backend.mounts(this.#layers.keyOf(row.layer));
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
    const target = labels[LABELS.snapshotRef] ?? '';
    return await this.#locked([key, target], async () => {
      this.refuseExisting(key, target);
      const below = this.#layers.keyOf(this.rows.layersBelow(parent)[0]);
      const taken = this.#layers.take(this.scope.namespace, key);
      try {
        const make = kind === 'active' ? 'prepare' : 'view';
        const mounts = await this.#backend[make](taken.key, below, toldOf(labels));
        this.#add({ kind, key, parent, labels, layer: taken.layer });
        return mounts;
      } catch (cause) {
        this.shared.collection.request();
        if (target === '' || !isKind(cause, 'already-exists')) throw cause;
        throw await this.#takeOver(target, { parent, below, labels });
      } finally {
        this.#layers.settled(taken.layer);
      }
    });
  }

  #add(draft: { kind: 'active' | 'view'; key: string; parent: string; labels: Labels; layer: number }): void {
    const { kind, key, parent } = draft;
    this.change(() => {
      ensureNamespace(this.shared.db, this.scope.namespace);
      this.rows.layersBelow(parent);
      this.rows.add({ name: key, chained: false, ...draft });
      this.join(key);
      const verb = kind === 'active' ? 'prepare' : 'view';
      this.record(verb, 'SnapshotPrepare', { key, parent, snapshotter: this.name });
    });
  }

  /** The other program has the layer by itself: it gets its name here. @returns The answer for the client. */
  async #takeOver(
    target: string,
    { parent, below, labels }: { readonly parent: string; readonly below: string; readonly labels: Labels },
  ): Promise<Error> {
    const filter = `labels."${LABELS.snapshotRef}"==${JSON.stringify(target)},parent==${JSON.stringify(below)}`;
    const there = (await this.#backend.list([filter])).find(
      (info) => info.kind === 'committed' && info.parent === below && info.labels[LABELS.snapshotRef] === target,
    );
    const text = `target snapshot ${JSON.stringify(target)}`;
    if (!there) return new DaemonError('not-found', `${text} in backend: not found`);
    return await this.#layers.removing.run(there.name, async () => {
      await this.#backend.stat(there.name);
      this.change(() => {
        ensureNamespace(this.shared.db, this.scope.namespace);
        const layer = this.#layers.found(this.scope.namespace, there.name);
        this.rows.add({ name: target, kind: 'committed', parent, layer, chained: false, labels });
        this.join(target);
        this.record('commit', 'SnapshotCommit', { key: target, name: target, snapshotter: this.name });
      });
      return new DaemonError('already-exists', `${text} from snapshotter: already exists`);
    });
  }

  async commit(name: string, key: string, labels: Labels = {}, signal?: AbortSignal): Promise<void> {
    checkKey(name);
    checkLabels(labels);
    await this.#locked([key, name], async () => {
      const row = this.change(() => this.committable(name, key));
      const taken = this.#layers.take(this.scope.namespace, name);
      try {
        await this.#backend.commit(taken.key, this.#layers.keyOf(row.layer), toldOf(labels), signal);
        this.change(() => {
          this.rows.commit(key, name, labels);
          this.rows.setLayer(name, taken.layer);
          this.renamed(key, name);
        });
      } finally {
        this.#layers.settled(taken.layer);
        this.shared.collection.request();
      }
    });
  }

  /** In one order, so that two who need the same names don't wait for each other. */
  async #locked<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...more] = [...new Set(names)].filter((name) => name !== '').sort();
    if (first === undefined) return await work();
    return await this.#state.keys.run(this.lockOf(first), () => this.#locked(more, work));
  }
}

function toldOf(labels: Labels): Labels {
  const told = Object.entries(labels).filter(([key]) => key === LABELS.snapshotRef || key.startsWith(TOLD));
  return Object.fromEntries(told);
}
