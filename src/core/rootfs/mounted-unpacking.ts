import { randomBytes } from 'node:crypto';
import { abortable, deferred } from '../../base/abort.js';
import { DaemonError, isKind } from '../../base/errors.js';
import { chainIds } from '../../spec/chain-id.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { LABEL_BYTES_MAX, LABELS, type Labels } from '../../spec/labels.js';
import type { Differ } from '../diff/differ.js';
import type { Mount } from '../kernel/mounts.js';
import type { Scope } from '../namespaces/scope.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import type { Unpacking, UnpackProgress, UnpackRequest } from './rootfs.js';

/** What one caller's unpacking works with. */
export interface MountedParts {
  readonly scope: Scope;
  readonly snapshotterName: string;
  readonly snapshotter: Snapshotter;
  readonly differ: Pick<Differ, 'apply'>;
}

interface Step {
  readonly chainId: Digest;
  readonly diffId: Digest;
  readonly layer: Descriptor;
  readonly parent: string;
  readonly labels: Labels;
}

interface Prepared {
  readonly key: string;
  readonly mounts: readonly Mount[];
}

/** Inherited by the snapshotter; the names are those of containerd's pkg/snapshotters, which lazy snapshotters read. */
const TOLD = 'containerd.io/snapshot/';

/** A chain made one layer after another, by prepare, apply and commit: for snapshotters of other programs. */
export class MountedUnpacking implements Unpacking {
  readonly snapshotter: string;
  readonly #parts: MountedParts;
  readonly #request: UnpackRequest;
  readonly #steps: readonly Step[];
  readonly #arrived = new Map<Digest, ReturnType<typeof deferred<undefined>>>();
  readonly #stop = new AbortController();
  #there = 0;
  #work: Promise<void> = Promise.resolve();

  private constructor(parts: MountedParts, request: UnpackRequest) {
    this.snapshotter = parts.snapshotterName;
    this.#parts = parts;
    this.#request = request;
    this.#steps = stepsOf(request);
    for (const { digest } of request.layers) this.#arrived.set(digest, deferred());
  }

  /** Asks the snapshotter for layers, lowest first, until one has to be brought. */
  static async begin(parts: MountedParts, request: UnpackRequest): Promise<MountedUnpacking> {
    const unpacking = new MountedUnpacking(parts, request);
    let prepared: Prepared | undefined;
    for (const step of unpacking.#steps) {
      prepared = await unpacking.#prepare(step);
      if (prepared) break;
      unpacking.#there += 1;
    }
    for (const step of unpacking.#steps.slice(unpacking.#there)) unpacking.#report(step, 'waiting');
    unpacking.#work = unpacking.#run(prepared);
    unpacking.#work.catch(() => undefined);
    return unpacking;
  }

  needs(layer: Descriptor): boolean {
    return this.#steps.slice(this.#there).some((step) => step.layer.digest === layer.digest);
  }

  ready(layer: Descriptor): void {
    this.#arrived.get(layer.digest)?.resolve(undefined);
  }

  async finish(): Promise<Digest | undefined> {
    await abortable(this.#work, this.#request.signal);
    return this.#steps.at(-1)?.chainId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DaemonError('canceled', 'the unpacking was given up'));
    await this.#work.catch(() => undefined);
  }

  /** Undefined when the layer is there. */
  async #prepare(step: Step): Promise<Prepared | undefined> {
    const key = `extract-${randomBytes(8).toString('hex')} ${step.chainId}`;
    try {
      return { key, mounts: await this.#parts.snapshotter.prepare(key, step.parent, step.labels) };
    } catch (error) {
      if (!isKind(error, 'already-exists')) throw error;
      this.#report(step, 'exists');
      return undefined;
    }
  }

  async #run(first: Prepared | undefined): Promise<void> {
    for (const [at, step] of this.#steps.slice(this.#there).entries()) {
      const prepared = at === 0 ? first : await this.#prepare(step);
      if (!prepared) continue;
      try {
        await this.#apply(step, prepared);
      } catch (cause) {
        await this.#parts.snapshotter.remove(prepared.key).catch(ifMissing);
        if (!isKind(cause, 'already-exists')) throw cause;
      }
      this.#report(step, 'done');
    }
  }

  async #apply({ layer, diffId, chainId, labels }: Step, { key, mounts }: Prepared): Promise<void> {
    const { differ, scope, snapshotter } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, ...(this.#request.signal ? [this.#request.signal] : [])]);
    await abortable(this.#arrived.get(layer.digest)?.promise ?? Promise.resolve(undefined), signal);
    const { digest } = await differ.apply(scope, layer, mounts, { sync: true, signal });
    if (digest !== diffId) {
      throw new DaemonError(
        'data-loss',
        `layer ${layer.digest} is ${digest} unpacked, but the image config says ${diffId}: the image is broken`,
      );
    }
    await snapshotter.commit(chainId, key, labels, signal);
  }

  #report({ layer }: Step, state: UnpackProgress['state']): void {
    const bytes = state === 'waiting' ? 0 : layer.size;
    this.#request.onProgress?.({ layer, state, bytes, entries: 0 });
  }
}

function stepsOf({ layers, diffIds, image }: UnpackRequest): readonly Step[] {
  const chain = chainIds(diffIds);
  return layers.flatMap((layer, at) => {
    const [chainId, diffId] = [chain[at], diffIds[at]];
    if (chainId === undefined || diffId === undefined) return [];
    const own = Object.entries(layer.annotations ?? {}).filter(([key]) => key.startsWith(TOLD));
    const told = image && {
      [`${TOLD}cri.image-ref`]: image.name,
      [`${TOLD}cri.manifest-digest`]: image.manifest,
      [`${TOLD}cri.layer-digest`]: layer.digest,
      [`${TOLD}cri.image-layers`]: digestList(layers.slice(at), `${TOLD}cri.image-layers`),
    };
    const labels = { ...Object.fromEntries(own), ...told, [LABELS.snapshotRef]: chainId };
    return [{ chainId, diffId, layer, parent: chain[at - 1] ?? '', labels }];
  });
}

/** As many as fit into one label. */
function digestList(layers: readonly Descriptor[], key: string): string {
  let list = '';
  for (const { digest } of layers) {
    const longer = list === '' ? digest : `${list},${digest}`;
    if (key.length + longer.length > LABEL_BYTES_MAX) break;
    list = longer;
  }
  return list;
}

function ifMissing(error: unknown): void {
  if (!isKind(error, 'not-found')) throw error;
}
