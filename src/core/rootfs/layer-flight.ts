import { deferred, type Deferred as Promised } from '../../base/abort.js';
import { messageOf } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import type { BlobOnDisk } from '../content/content-store.js';
import type { Applied, Applier, ApplyLimits, ApplyProgress, ApplyRequest } from '../diff/applier.js';
import type { TieLayerTask, TieResult } from '../diff/layer-tasks.js';
import type { WorkerPool } from '../diff/worker-pool.js';
import { checksumsOf, inventoryOf, type TakeInventoryTask } from '../fsck/inventory-file.js';
import type { DirectoryFiles } from '../kernel/directory-files.js';
import { copyDirectoryAttributes } from '../snapshots/root-attributes.js';
import { checkDiffId } from './diff-id.js';
import type { EarlyFlush } from './early-flush.js';
import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';
import type { LayeredSnapshotter, SnapshotUsage } from '../snapshots/snapshotter.js';

/** What making a layer takes. */
export interface LayerWorkshop {
  readonly backend: SnapshotBackend;
  readonly files: DirectoryFiles;
  readonly applier: Applier;
  readonly pool: WorkerPool;
  readonly limits: ApplyLimits;
  readonly earlyFlush: EarlyFlush;
}

/** A blob that is there, in the hands of whoever found it first. */
export interface LayerBlob {
  readonly layer: Descriptor;
  readonly snapshotter: LayeredSnapshotter;
  /** Opens the blob as a file; it stays readable until disposed. */
  readonly open: (signal: AbortSignal) => Promise<BlobOnDisk>;
  /** Called when it is not needed any more. */
  readonly release?: () => Promise<void>;
}

/** A layer of a chain that can be stood upon. */
export interface FinishedLayer {
  readonly layerId: number;
  /** Undefined for one that was there before. */
  readonly usage: SnapshotUsage | undefined;
}

/** Numbers of a layer's directory and of those below it, nearest first. */
type LayerStack = readonly number[];

/** One layer of one chain on its way into a directory; any number of callers may wait for it. */
export class LayerFlight {
  /** The chain ID. */
  readonly name: Digest;
  /** The layer below; undefined for the lowest. */
  readonly parent: LayerFlight | undefined;
  readonly progress = new Set<(progress: ApplyProgress) => void>();
  users = 0;
  /** Named in the metadata by now, so that leaving it removes nothing. */
  adopted = false;
  readonly #diffId: Digest;
  readonly #workshop: LayerWorkshop;
  readonly #failuresBefore: number;
  readonly #controller = new AbortController();
  readonly #finished: Promised<FinishedLayer> = deferred();
  /** Settles when the files are as they stay: what lies above may be tied to them, while an inventory is taken of them. */
  readonly #tied: Promised<LayerStack> = deferred();
  #snapshotter: LayeredSnapshotter | undefined;
  #layerId: number | undefined;
  #work: Promise<void> | undefined;

  constructor(name: Digest, diffId: Digest, parent: LayerFlight | undefined, workshop: LayerWorkshop) {
    this.name = name;
    this.#diffId = diffId;
    this.parent = parent;
    this.#workshop = workshop;
    this.#failuresBefore = workshop.earlyFlush.failures;
    // Nobody may lie above.
    this.#tied.promise.catch(() => undefined);
  }

  /** Settles when the layer is complete. @throws What went wrong with it, or with one below. */
  get finished(): Promise<FinishedLayer> {
    return this.#finished.promise;
  }

  /** @throws An error of the disk that an early flush has met. */
  async flushed(): Promise<void> {
    await this.#workshop.earlyFlush.idle(this.#failuresBefore);
  }

  /** True once work began or the layer was found to be there. */
  get begun(): boolean {
    return this.#work !== undefined;
  }

  /** The layer is there already, for this namespace or another. */
  exists(layerId: number): void {
    this.#work ??= this.#settle(async () => {
      this.adopted = true;
      this.#tied.resolve([layerId, ...(await this.#stackBelow())]);
      return { layerId, usage: undefined };
    });
  }

  /** Begins, unless another caller has. */
  start(blob: LayerBlob): void {
    this.#work ??= this.#settle(async () => {
      try {
        const { layering } = this.#workshop.backend;
        return await (layering === 'whole' ? this.#makeWhole(blob) : this.#makeStacked(blob));
      } finally {
        await blob.release?.();
      }
    });
  }

  /** Stops, and removes what there is of the layer, unless it has been adopted; settles with no flush under way. */
  async abandon(reason: unknown): Promise<void> {
    const { earlyFlush } = this.#workshop;
    if (!this.adopted) this.#controller.abort(reason);
    this.#fail(reason);
    await this.#work;
    await earlyFlush.settled();
    if (!this.adopted) await this.#discard();
  }

  /** Never rejects; an error is told when the files are gone. */
  async #settle(work: () => Promise<FinishedLayer>): Promise<void> {
    try {
      this.#finished.resolve(await work());
    } catch (cause) {
      try {
        await this.#discard();
        this.#fail(cause);
      } catch (left) {
        this.#fail(new AggregateError([cause, left], `${messageOf(cause)}; and its files stay: ${messageOf(left)}`));
      }
    }
  }

  #fail(cause: unknown): void {
    this.#tied.reject(cause);
    this.#finished.reject(cause);
  }

  async #discard(): Promise<void> {
    const layerId = this.#layerId;
    this.#layerId = undefined;
    if (layerId !== undefined) await this.#snapshotter?.discard(layerId);
  }

  async #newLayer(blob: LayerBlob, parents: readonly number[]): Promise<number> {
    this.#snapshotter = blob.snapshotter;
    const layerId = await blob.snapshotter.newLayer();
    this.#layerId = layerId;
    await this.#workshop.backend.create(layerId, { writable: false, parents });
    return layerId;
  }

  /** By itself, at once; then completed from what lies below. The lowest layer has nothing to hide and is written plainly. */
  async #makeStacked(blob: LayerBlob): Promise<FinishedLayer> {
    let layerId = await this.#newLayer(blob, []);
    let applied = await this.#apply(blob, layerId, { form: this.parent === undefined ? 'plain' : 'overlay' });
    const below = await this.#stackBelow();
    if (applied.deferred.length > 0 && (await this.#tie(layerId, below, applied)) === 'in-order') {
      await this.#discard();
      layerId = await this.#newLayer(blob, []);
      const lower = below.map((id) => this.#workshop.backend.filesOf(id));
      applied = await this.#apply(blob, layerId, { form: 'overlay', lower });
      if (applied.deferred.length > 0) await this.#tie(layerId, below, applied);
    }
    this.#tied.resolve([layerId, ...below]);
    if (applied.deferred.length > 0) await this.#takeInventory(layerId);
    return { layerId, usage: applied.usage };
  }

  async #makeWhole(blob: LayerBlob): Promise<FinishedLayer> {
    const below = await this.#stackBelow();
    const layerId = await this.#newLayer(blob, below);
    await this.#apply(blob, layerId, { form: 'plain' });
    this.#tied.resolve([layerId, ...below]);
    const usage = await this.#workshop.backend.usage(layerId, this.#controller.signal);
    return { layerId, usage };
  }

  /** What the tied layer should be from now on. */
  async #takeInventory(layerId: number): Promise<void> {
    const { backend, pool } = this.#workshop;
    const task: TakeInventoryTask = {
      kind: 'take-inventory',
      directory: backend.filesOf(layerId),
      file: inventoryOf(backend, layerId),
      known: checksumsOf(backend, layerId),
    };
    await pool.run(task, { signal: this.#controller.signal });
  }

  async #stackBelow(): Promise<LayerStack> {
    return this.parent === undefined ? [] : await this.parent.#tied.promise;
  }

  async #apply(
    { layer, open }: LayerBlob,
    layerId: number,
    how: Pick<ApplyRequest, 'form' | 'lower'>,
  ): Promise<Applied> {
    const { backend, applier, limits, earlyFlush } = this.#workshop;
    const { signal } = this.#controller;
    await using file = await open(signal);
    let unpackedBytes = 0;
    const applied = await applier.apply({
      blobPath: file.path,
      mediaType: layer.mediaType,
      directory: backend.filesOf(layerId),
      ...how,
      limits,
      inventory: { file: inventoryOf(backend, layerId), checksums: checksumsOf(backend, layerId) },
      signal,
      onProgress: (progress) => {
        earlyFlush.unpacked(layerId, progress.bytes - unpackedBytes);
        unpackedBytes = progress.bytes;
        for (const listener of this.progress) listener(progress);
      },
    });
    checkDiffId(layer.digest, applied.diffId, this.#diffId);
    return applied;
  }

  async #tie(layerId: number, below: readonly number[], { deferred: left }: Applied): Promise<TieResult> {
    const { backend, files, pool } = this.#workshop;
    const [nearest] = below;
    // Most layers lack no more than this, one after another up the chain: a turn of a worker for each would add up.
    if (nearest !== undefined && left.every(({ kind }) => kind === 'root')) {
      copyDirectoryAttributes(files, backend.filesOf(nearest), backend.filesOf(layerId));
      return 'tied';
    }
    const task: TieLayerTask = {
      kind: 'tie-layer',
      directory: backend.filesOf(layerId),
      lower: below.map((id) => backend.filesOf(id)),
      deferred: left,
    };
    return await pool.run<TieResult>(task, { signal: this.#controller.signal });
  }
}
