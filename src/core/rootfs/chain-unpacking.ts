import { abortable } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Semaphore } from '../../base/semaphore.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import type { BlobFiles } from '../content/blob-files.js';
import type { BlobOnDisk } from '../content/content-store.js';
import type { Scope } from '../namespaces/scope.js';
import type { AppliedLayer, LayeredSnapshotter } from '../snapshots/snapshotter.js';
import type { LayerBlob, LayerFlight } from './layer-flight.js';
import type { LayerFlights } from './layer-flights.js';
import type { Unpacking, UnpackProgress, UnpackRequest } from './rootfs.js';

/** What one caller's unpacking works with. */
export interface ChainParts {
  readonly snapshotterName: string;
  readonly snapshotter: LayeredSnapshotter;
  readonly scope: Scope;
  readonly blobFiles: BlobFiles;
  readonly flights: LayerFlights;
  /** Lets one caller at a time name layers. */
  readonly naming: Semaphore;
}

const NO_USAGE = { size: 0, inodes: 0 };

/** One caller's view of a chain in the making. */
export class ChainUnpacking implements Unpacking {
  readonly snapshotter: string;
  readonly #parts: ChainParts;
  readonly #request: UnpackRequest;
  readonly #chain: readonly LayerFlight[];
  readonly #down: (() => void)[] = [];
  #left = false;

  private constructor(parts: ChainParts, request: UnpackRequest, chain: readonly LayerFlight[]) {
    this.snapshotter = parts.snapshotterName;
    this.#parts = parts;
    this.#request = request;
    this.#chain = chain;
  }

  static async begin(parts: ChainParts, request: UnpackRequest): Promise<ChainUnpacking> {
    const unpacking = new ChainUnpacking(parts, request, parts.flights.join(request.diffIds));
    try {
      await unpacking.#look();
      return unpacking;
    } catch (cause) {
      await unpacking[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Joining comes before looking: a layer that another caller names meanwhile is either still in flight or found here. */
  async #look(): Promise<void> {
    const known = await this.#parts.snapshotter.known(this.#chain.map(({ name }) => name));
    for (const [at, flight] of this.#chain.entries()) {
      const layer = this.#request.layers[at];
      if (layer === undefined) continue;
      const layerId = known.get(flight.name);
      if (layerId === undefined) {
        this.#watch(flight, layer);
        continue;
      }
      flight.exists(layerId);
      this.#report({ layer, state: 'exists', bytes: layer.size, entries: 0 });
    }
  }

  #watch(flight: LayerFlight, layer: Descriptor): void {
    let entries = 0;
    this.#report({ layer, state: 'waiting', bytes: 0, entries });
    const listener = (progress: { readonly bytes: number; readonly entries: number }) => {
      entries = progress.entries;
      this.#report({ layer, state: 'unpacking', bytes: progress.bytes, entries });
    };
    flight.progress.add(listener);
    this.#down.push(() => flight.progress.delete(listener));
    flight.finished.then(
      () => {
        if (!this.#left) this.#report({ layer, state: 'done', bytes: layer.size, entries });
      },
      () => undefined,
    );
  }

  needs(): boolean {
    return true;
  }

  ready(layer: Descriptor): void {
    for (const [at, flight] of this.#chain.entries()) {
      if (flight.begun || this.#request.layers[at]?.digest !== layer.digest) continue;
      flight.start(this.#blobOf(this.#request.layers[at]));
    }
  }

  begin(layer: Descriptor, held: BlobOnDisk): boolean {
    const at = this.#request.layers.findIndex(({ digest }, i) => digest === layer.digest && !this.#chain[i]?.begun);
    const [flight, own] = [this.#chain[at], this.#request.layers[at]];
    if (!flight || !own || this.#left) return false;
    flight.start({
      layer: own,
      snapshotter: this.#parts.snapshotter,
      open: () => Promise.resolve({ path: held.path, [Symbol.asyncDispose]: () => Promise.resolve() }),
      release: async () => {
        await held[Symbol.asyncDispose]();
      },
    });
    return true;
  }

  #blobOf(layer: Descriptor): LayerBlob {
    const { blobFiles, scope, snapshotter } = this.#parts;
    return {
      layer,
      snapshotter,
      open: (signal) => blobFiles(scope, layer.digest, signal),
    };
  }

  async finish(): Promise<Digest | undefined> {
    const { snapshotter, naming } = this.#parts;
    const { signal } = this.#request;
    const finished = await abortable(Promise.all(this.#chain.map((flight) => flight.finished)), signal);
    await abortable(Promise.all(this.#chain.map((flight) => flight.flushed())), signal);
    const layers = finished.map(({ layerId, usage }, at): AppliedLayer => {
      const { name } = this.#chain[at] ?? fail();
      return { name, parent: this.#chain[at - 1]?.name ?? '', layerId, labels: {}, usage: usage ?? NO_USAGE };
    });
    if (layers.length > 0) {
      await naming.run(async () => {
        await snapshotter.adopt(layers);
        for (const flight of this.#chain) flight.adopted = true;
      }, signal);
    }
    return this.#chain.at(-1)?.name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    for (const step of this.#down) step();
    const reason: unknown = this.#request.signal?.reason ?? new DaemonError('canceled', 'the unpacking was given up');
    await this.#parts.flights.leave(this.#chain, reason);
  }

  #report(progress: UnpackProgress): void {
    this.#request.onProgress?.(progress);
  }
}

function fail(): never {
  throw new DaemonError('internal', 'a chain has fewer layers than results');
}
