import type { Descriptor } from '../../spec/descriptor.js';
import { mapChildren, type Handler } from '../images/handlers/handler.js';
import type { PushOptions } from '../remotes/remotes.js';
import type { UnpackProgress } from '../rootfs/rootfs.js';
import type { FetchWatcher } from './blob-fetching.js';
import { ingestRef, type ProgressSink, type TransferState } from './progress.js';

/** Turns what the steps of one flow tell into rows of progress. */
export class ProgressRows {
  readonly #root: string;
  readonly #sink: ProgressSink;
  readonly #parents = new Map<string, Set<string>>();
  /** What is not there yet, with how far it is unpacked nevertheless. */
  readonly #fetching = new Map<string, UnpackProgress | undefined>();

  /** @param root Key of the name's row. */
  constructor(root: string, sink: ProgressSink = () => undefined) {
    this.#root = root;
    this.#sink = sink;
  }

  resolving(waitingFor?: string): void {
    const wait = waitingFor === undefined ? {} : { waitingFor };
    this.#sink({ key: this.#root, state: 'resolving', parents: [], offset: 0, total: 0, ...wait });
  }

  resolved(target: Descriptor): void {
    this.#sink({ key: this.#root, state: 'resolved', parents: [], offset: 0, total: 0, target });
    this.#know([target], this.#root);
  }

  saved(target: Descriptor, name = this.#root): void {
    this.#sink({ key: name, state: 'saved', parents: [], offset: 0, total: 0, target });
  }

  /** An archive comes or goes. */
  archive(state: 'importing' | 'imported' | 'exporting' | 'exported'): void {
    this.#sink({ key: '', state, parents: [], offset: 0, total: 0 });
  }

  /** Shows the children as waiting rows as soon as their parent is known, so that the total is told at once. */
  knowing(handler: Handler): Handler {
    return mapChildren(handler, (children, target) => {
      this.#know(children, ingestRef(target));
      return children;
    });
  }

  fetching(target: Descriptor): FetchWatcher {
    let offset = 0;
    this.#fetching.set(ingestRef(target), undefined);
    return {
      downloading: (bytes) => {
        offset = bytes;
        this.#row(target, 'downloading', offset);
      },
      waiting: (reason) => {
        this.#row(target, 'downloading', offset, reason);
      },
    };
  }

  fetched(target: Descriptor, outcome: 'fetched' | 'exists'): void {
    this.#row(target, outcome === 'exists' ? 'exists' : 'downloaded', target.size);
    const key = ingestRef(target);
    const unpacked = this.#fetching.get(key);
    this.#fetching.delete(key);
    if (unpacked) this.unpacking(unpacked);
  }

  /** What a pusher tells of one object. */
  uploading(target: Descriptor): Pick<PushOptions, 'onProgress' | 'onWait'> {
    let offset = 0;
    return {
      onProgress: (bytes) => {
        offset = bytes;
        this.#row(target, 'uploading', offset);
      },
      onWait: ({ reason }) => {
        this.#row(target, 'uploading', offset, reason);
      },
    };
  }

  uploaded(target: Descriptor, outcome: 'uploaded' | 'exists'): void {
    this.#row(target, outcome, target.size);
  }

  /** A layer may be unpacked, in part or whole, before its blob is durable: that is told after it. */
  unpacking(progress: UnpackProgress): void {
    const { layer, state, bytes } = progress;
    if (state === 'waiting') return;
    const key = ingestRef(layer);
    if (this.#fetching.has(key)) {
      this.#fetching.set(key, progress);
      return;
    }
    if (state === 'unpacking') this.#row(layer, 'unpacking', bytes);
    else this.#row(layer, 'unpacked', layer.size);
  }

  #know(targets: readonly Descriptor[], parent: string): void {
    for (const target of targets) {
      const key = ingestRef(target);
      const parents = this.#parents.get(key);
      if (parents) {
        parents.add(parent);
      } else {
        this.#parents.set(key, new Set([parent]));
        this.#row(target, 'waiting', 0);
      }
    }
  }

  #row(target: Descriptor, state: TransferState, offset: number, waitingFor?: string): void {
    const key = ingestRef(target);
    const parents = [...(this.#parents.get(key) ?? [this.#root])];
    const wait = waitingFor === undefined ? {} : { waitingFor };
    this.#sink({ key, state, parents, offset, total: target.size, target, ...wait });
  }
}
