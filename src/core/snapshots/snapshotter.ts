import type { Labels } from '../../spec/labels.js';
import type { Mount } from '../kernel/mounts.js';

export type SnapshotKind = 'active' | 'view' | 'committed';

export interface SnapshotInfo {
  readonly kind: SnapshotKind;
  /** Key while active or view, name once committed; one key space. */
  readonly name: string;
  /** Name of the committed parent; empty for none. */
  readonly parent: string;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What one snapshot holds itself, without its parents. */
export interface SnapshotUsage {
  /** Bytes on disk. */
  readonly size: number;
  readonly inodes: number;
}

/** Layered file-system states of one namespace. Mounts are described, never made. */
export interface Snapshotter {
  /** @throws not-found. */
  stat(key: string): Promise<SnapshotInfo>;
  /** Labels only: those named by `fieldPaths`, or all. @throws not-found. */
  update(key: string, labels: Labels, fieldPaths?: readonly string[]): Promise<SnapshotInfo>;
  usage(key: string, signal?: AbortSignal): Promise<SnapshotUsage>;
  /** @throws not-found. failed-precondition: a committed one has no mounts. */
  mounts(key: string): Promise<readonly Mount[]>;
  /**
   * Makes a writable snapshot on `parent` (empty: on nothing).
   *
   * @returns Mounts of the form of WIRE.md 10 (bind for no parents, else one overlay).
   * @throws already-exists: the key, or what the label `containerd.io/snapshot.ref` names. not-found: the parent.
   * invalid-argument: the parent is not committed (containerd's code).
   */
  prepare(key: string, parent: string, labels?: Labels): Promise<readonly Mount[]>;
  /** Makes a read-only one, which can't be committed. */
  view(key: string, parent: string, labels?: Labels): Promise<readonly Mount[]>;
  /** Freezes `key` under `name`. @throws already-exists: `name`. not-found. failed-precondition: not active. */
  commit(name: string, key: string, labels?: Labels, signal?: AbortSignal): Promise<void>;
  /** @throws not-found. failed-precondition: it has children; the message names them. */
  remove(key: string): Promise<void>;
  /** One consistent view, ordered by name. */
  list(filters?: readonly string[]): Promise<readonly SnapshotInfo[]>;
}

/** A layer applied on its own, ready to be tied into a chain. */
export interface AppliedLayer {
  /** Name that it gets: the chain ID. */
  readonly name: string;
  readonly parent: string;
  /** The backend's number of the directory that holds it. */
  readonly layerId: number;
  readonly labels: Labels;
  readonly usage: SnapshotUsage;
}

/** A snapshotter that takes layers which were applied straight into directories of its backend. */
export interface LayeredSnapshotter extends Snapshotter {
  /**
   * Layers of the names that exist for the daemon as a whole (any namespace), so that they needn't be applied again. Only names given by
   * `adopt` count, as those are what they say. The scope's lease keeps the layers.
   */
  known(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** A number for a new backend layer, registered so that a crash before `adopt` leaves garbage that the next start removes. */
  newLayer(): Promise<number>;
  /**
   * Syncs the directories, then names all of them in one transaction, lowest first. Names that exist already are left as they are and
   * join the scope's lease, and the directories that came for them go.
   *
   * @throws not-found: a parent. aborted: a layer that `known` had told was removed meanwhile (never while a lease of the scope keeps it).
   */
  adopt(layers: readonly AppliedLayer[]): Promise<void>;
  /**
   * Makes a writable snapshot `newKey` that starts as the writable `key` is now. What `key` holds becomes a committed snapshot below both, so
   * that a stacking backend copies nothing; the mounts of `key` are other ones from then on, and nobody may write through the old ones.
   *
   * @throws not-found: `key`. failed-precondition: it is not writable. already-exists: `newKey`.
   */
  fork(key: string, newKey: string): Promise<void>;
  /** Gives up a number of `newLayer`; the directory goes. */
  discard(layerId: number): Promise<void>;
}

/** True for one that takes layers into directories of its backend; one in another program takes them by mounts only. */
export function isLayered(snapshotter: Snapshotter): snapshotter is LayeredSnapshotter {
  return 'adopt' in snapshotter;
}
