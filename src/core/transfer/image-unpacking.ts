import { abortable, deferred, type Deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import { Teardown } from '../../base/teardown.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { parseImageConfig } from '../../spec/image-config.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest, type Manifest } from '../../spec/manifest.js';
import { LABELS } from '../../spec/labels.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { formatPlatform, onlyPlatform, type Platform } from '../../spec/platform.js';
import type { BlobOnDisk } from '../content/content-store.js';
import { readDocument } from '../images/handlers/children.js';
import { effect, type Handler } from '../images/handlers/handler.js';
import { bestMatch } from '../images/handlers/platform-filter.js';
import type { Scope } from '../namespaces/scope.js';
import type { Rootfs, UnpackProgress, Unpacking } from '../rootfs/rootfs.js';
import type { DocumentStore } from './documents-ahead.js';

/** One platform of an image to be unpacked. */
export interface UnpackWish {
  readonly platform: Platform;
  /** Empty or missing for the default. */
  readonly snapshotter?: string;
}

export interface ImageUnpackingOptions {
  readonly scope: Scope;
  readonly content: DocumentStore;
  readonly rootfs: Pick<Rootfs, 'unpack' | 'mayHaveLayers'>;
  /** Names the image in errors. */
  readonly name: string;
  readonly wishes: readonly UnpackWish[];
  /** True: a wanted platform that is not there is no error. */
  readonly optional?: boolean;
  readonly onProgress: (progress: UnpackProgress) => void;
  readonly signal: AbortSignal;
}

interface Candidate {
  readonly digest: Digest;
  /** Settles when the unpackings are there. */
  readonly begun: Deferred<undefined>;
  readonly manifest: Manifest;
  readonly wishes: readonly UnpackWish[];
  readonly unpackings: Unpacking[];
}

/**
 * Unpacks while an image still downloads: as a handler behind the fetching one it sees each object when it is complete, begins when a
 * wanted manifest's config is there, and hands on each layer at once.
 */
export class ImageUnpacking implements AsyncDisposable {
  readonly handler: Handler;
  readonly #options: ImageUnpackingOptions;
  readonly #down = new Teardown();
  readonly #chosen = new Map<Digest, UnpackWish[]>();
  readonly #candidates: Candidate[] = [];
  readonly #arrived = new Map<Digest, Descriptor>();
  readonly #served = new Set<UnpackWish>();
  readonly #otherPlatforms = new Set<string>();
  readonly #chains: Promise<void>[] = [];
  readonly #failed = new AbortController();

  constructor(options: ImageUnpackingOptions) {
    this.#options = options;
    this.handler = effect((target) => this.#arrive(target));
  }

  /** Aborts, with the error as reason, when a layer can't be unpacked: what still downloads is of no use then. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /**
   * Whether the blob of a layer has to be brought. Where a snapshotter may have the layer by itself, waits until it has been asked.
   */
  async needs(target: Descriptor, signal: AbortSignal): Promise<boolean> {
    if (kindOfMedia(target.mediaType) !== 'layer') return true;
    const wanting = this.#candidates.filter(({ manifest }) =>
      manifest.layers.some(({ digest }) => digest === target.digest),
    );
    const { rootfs } = this.#options;
    const asked = wanting.every(({ wishes }) => wishes.every((wish) => rootfs.mayHaveLayers(wish.snapshotter ?? '')));
    if (wanting.length === 0 || !asked) return true;
    for (const { begun } of wanting) await abortable(begun.promise, signal);
    return wanting.some(
      ({ unpackings }) => unpackings.length === 0 || unpackings.some((unpacking) => unpacking.needs(target)),
    );
  }

  /** Waits for all chains. @throws not-found: nothing was there for a wanted platform; and what Rootfs throws. */
  async finish(): Promise<void> {
    const missing = this.#options.wishes.filter((wish) => !this.#served.has(wish));
    if (missing.length > 0 && this.#options.optional !== true) throw this.#noSuchPlatform(missing);
    await Promise.all(this.#chains);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#down.run();
  }

  async #arrive(target: Descriptor): Promise<void> {
    this.#arrived.set(target.digest, target);
    switch (kindOfMedia(target.mediaType)) {
      case 'index':
        return this.#choose(target);
      case 'manifest':
        return this.#plan(target);
      default:
        this.#handOn(target);
        for (const candidate of this.#candidates) {
          if (candidate.manifest.config.digest === target.digest) await this.#begin(candidate);
        }
    }
  }

  /** Without a pause after the note of the arrival: chains that begin later look at that note. */
  #handOn(target: Descriptor): void {
    for (const { manifest, unpackings } of this.#candidates) {
      for (const layer of manifest.layers) {
        if (layer.digest === target.digest) for (const unpacking of unpackings) unpacking.ready(layer);
      }
    }
  }

  /**
   * Says that the bytes of a layer are verified, though not yet durable: a chain that waits for it begins. Where the blob does not become
   * durable the pull fails, and what was named goes with its lease.
   *
   * @returns Whether a chain has taken the bytes over.
   */
  verified(target: Descriptor, held: BlobOnDisk): boolean {
    return this.#candidates.some(({ manifest, unpackings }) =>
      manifest.layers.some(
        (layer) => layer.digest === target.digest && unpackings.some((unpacking) => unpacking.begin?.(layer, held)),
      ),
    );
  }

  async #choose(target: Descriptor): Promise<void> {
    const bytes = await readDocument(this.#options.content, target, this.#options.signal);
    const { manifests } = parseIndex(bytes, target.mediaType, target.digest);
    for (const wish of this.#options.wishes) {
      const best = bestMatch(manifests, onlyPlatform(wish.platform));
      if (best) this.#chosen.set(best.digest, [...(this.#chosen.get(best.digest) ?? []), wish]);
    }
  }

  /** An index says which manifest is for which platform; one that stands alone says it in its config. */
  async #plan(target: Descriptor): Promise<void> {
    const wishes = this.#chosen.get(target.digest) ?? (target.platform ? [] : this.#options.wishes);
    if (wishes.length === 0) return;
    const bytes = await readDocument(this.#options.content, target, this.#options.signal);
    const manifest = parseManifest(bytes, target.mediaType, target.digest);
    if (kindOfMedia(manifest.config.mediaType) !== 'config') {
      // An artifact, which has no file system: it is kept as it is.
      for (const wish of wishes) this.#served.add(wish);
      return;
    }
    const candidate: Candidate = { manifest, wishes, unpackings: [], digest: target.digest, begun: deferred() };
    this.#candidates.push(candidate);
    const config = this.#arrived.get(manifest.config.digest);
    if (config) await this.#begin(candidate);
  }

  async #begin({ manifest, wishes, unpackings, digest, begun }: Candidate): Promise<void> {
    const { content, rootfs, scope, name, onProgress, signal } = this.#options;
    const config = parseImageConfig(await readDocument(content, manifest.config, signal), `${name}: image config`);
    for (const wish of wishes) {
      if (this.#served.has(wish)) continue;
      if (!this.#fits(config.platform, wish)) continue;
      this.#served.add(wish);
      const request = {
        ...{ layers: manifest.layers, diffIds: config.diffIds, image: { name, manifest: digest } },
        ...{ onProgress, signal },
      };
      const snapshotter = wish.snapshotter ?? '';
      const unpacking = this.#down.own(
        await rootfs.unpack(scope, { ...request, ...(snapshotter !== '' && { snapshotter }) }),
      );
      unpackings.push(unpacking);
      const chain = this.#complete(unpacking, manifest.config.digest);
      this.#chains.push(chain);
      chain.catch((error: unknown) => {
        this.#failed.abort(error);
      });
      for (const layer of manifest.layers) if (this.#arrived.has(layer.digest)) unpacking.ready(layer);
    }
    begun.resolve(undefined);
  }

  /** The config keeps the chain, as long as an image keeps the config. */
  async #complete(unpacking: Unpacking, config: Digest): Promise<void> {
    const chainId = await unpacking.finish();
    if (chainId === undefined) return;
    const key = `${LABELS.gcRefSnapshot}.${unpacking.snapshotter}`;
    await this.#options.content.update(config, { [key]: chainId }, [`labels.${key}`]);
  }

  /** A config without a platform fits all. */
  #fits(platform: Platform, { platform: wanted }: UnpackWish): boolean {
    if (platform.os === '' || platform.architecture === '' || onlyPlatform(wanted)(platform) !== undefined) return true;
    this.#otherPlatforms.add(formatPlatform(platform));
    return false;
  }

  #noSuchPlatform(missing: readonly UnpackWish[]): DaemonError {
    const wanted = missing.map(({ platform }) => formatPlatform(platform)).join(', ');
    const there = [...this.#otherPlatforms];
    if (there.length === 0) {
      return new DaemonError(
        'not-found',
        `${this.#options.name}: no container image for platform ${wanted} is in it; dist fetch takes other things`,
      );
    }
    return new DaemonError(
      'not-found',
      `${this.#options.name}: is for platform ${there.join(', ')}, not for ${wanted}; pull it with --platform ${there[0] ?? ''} to have it anyway`,
    );
  }
}
