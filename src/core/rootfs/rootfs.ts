import type { BlobOnDisk } from '../content/content-store.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import type { Labels } from '../../spec/labels.js';
import type { Platform } from '../../spec/platform.js';
import type { Scope } from '../namespaces/scope.js';
import type { Mount } from '../kernel/mounts.js';

/** How far one layer's unpacking is. */
export interface UnpackProgress {
  readonly layer: Descriptor;
  readonly state: 'waiting' | 'unpacking' | 'done' | 'exists';
  /** Compressed bytes taken in so far, of `layer.size`. */
  readonly bytes: number;
  readonly entries: number;
}

export interface UnpackRequest {
  /** Layers of one manifest, lowest first, and the diff IDs of its config, one for each. */
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  /** Empty for the daemon's default. */
  readonly snapshotter?: string;
  /** What snapshotters that fetch layers themselves are told. */
  readonly image?: { readonly name: string; readonly manifest: Digest };
  readonly onProgress?: (progress: UnpackProgress) => void;
  readonly signal?: AbortSignal;
}

/** A chain in the making. Disposing before `finish` throws away what nobody else waits for. */
export interface Unpacking extends AsyncDisposable {
  /** The one that is used, where the request left it to the default. */
  readonly snapshotter: string;
  /** False for a layer that the snapshotter has by itself, so that its blob need not be here. */
  needs(layer: Descriptor): boolean;
  /** Says that the blob of a layer is in the content store: it is applied from now on, whatever the others do. */
  ready(layer: Descriptor): void;
  /**
   * Says that the bytes of a layer are complete and verified, though they may never be in the content store: the layer is applied from now
   * on, where the chain can do without.
   *
   * @param held Disposed when the layer is made; it stays the caller's where the answer is false.
   * @returns Whether they are used.
   */
  begin?(layer: Descriptor, held: BlobOnDisk): boolean;
  /**
   * Waits for all layers, ties them together, syncs, and names the snapshots.
   *
   * To be called once.
   *
   * @returns The chain ID; undefined for an image without layers.
   * @throws data-loss: a layer's diff ID differs from the config's; and what Applier throws.
   */
  finish(): Promise<Digest | undefined>;
}

/** What `unpackManifest` found and made. */
export interface UnpackedManifest {
  /** Undefined for an image without layers. */
  readonly chainId: Digest | undefined;
  readonly diffIds: readonly Digest[];
  /** The manifest, chosen from an index if `target` is one. */
  readonly manifest: Descriptor;
  readonly snapshotter: string;
}

/** Layers of images as chains of committed snapshots. One layer is applied once, however many ask for it at the same time. */
export interface Rootfs {
  /** True for a snapshotter that may have layers by itself: only the unpacking knows which blobs are needed. */
  mayHaveLayers(snapshotter: string): boolean;
  /** @throws invalid-argument: as many layers as diff IDs are needed. */
  unpack(scope: Scope, request: UnpackRequest): Promise<Unpacking>;
  /** Unpacks a manifest (or one platform of an index, the host's by default) that is in the content store whole, and ties the snapshots' life to its config. */
  unpackManifest(
    scope: Scope,
    target: Digest,
    options?: Pick<UnpackRequest, 'snapshotter' | 'onProgress' | 'signal'> & { readonly platform?: Platform },
  ): Promise<UnpackedManifest>;
  /** A snapshot `key` on a chain: writable, or a view. @throws already-exists. not-found: the chain. */
  prepare(
    scope: Scope,
    request: {
      readonly key: string;
      readonly chainId: string;
      readonly readonly?: boolean;
      readonly snapshotter?: string;
      readonly labels?: Labels;
    },
  ): Promise<readonly Mount[]>;
  mounts(scope: Scope, key: string, snapshotter?: string): Promise<readonly Mount[]>;
}
