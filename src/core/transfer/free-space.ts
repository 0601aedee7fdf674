import { DaemonError, isKind } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import type { Logger } from '../../base/logger.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { ContentStore } from '../content/content-store.js';
import { mapChildren, type Handler } from '../images/handlers/handler.js';
import { ingestRef } from './progress.js';

/** Looks at the file system where content and snapshots lie. */
export type FreeSpace = () => Promise<Space>;

export interface Space {
  /** Where it is mounted. */
  readonly fileSystem: string;
  /** Bytes that may still be written. */
  readonly bytes: number;
}

/** Unpacked, layers are taken to need so many times their packed bytes. */
const UNPACKED_FACTOR = 3;

interface Claim {
  /** Bytes that are still to come. */
  left: number;
  holders: number;
}

/** The bytes that running pulls have still to download: each pull counts with what the others will need. */
export class SpaceReservations {
  readonly #free: FreeSpace;
  readonly #log: Logger;
  readonly #claims = new Map<string, Claim>();
  /** Looking and claiming go together. */
  readonly #claiming = new Semaphore(1);

  constructor(free: FreeSpace, log: Logger) {
    this.#free = free;
    this.#log = log;
  }

  /** The part of one pull. @param name Of the image, for messages. */
  open(name: string, content: ContentStore, namespace: string): SpaceReservation {
    return new SpaceReservation(this, { name, content, namespace });
  }

  /**
   * Claims what is missing of `targets`.
   *
   * @returns Keys that are now held, each to be given back by `release`.
   * @throws resource-exhausted: it does not fit beside what is claimed already; nothing is held.
   */
  async claim(parts: ReservationParts, targets: readonly Descriptor[], unpacks: boolean): Promise<readonly string[]> {
    return await this.#claiming.run(async () => {
      const missing = new Map<string, number>();
      for (const target of targets)
        missing.set(keyOf(parts.namespace, target.digest), await missingBytes(parts, target));
      const space = await this.#free();
      const others = this.#outstanding();
      const needed = [...missing].reduce((sum, [key, bytes]) => sum + (this.#claims.has(key) ? 0 : bytes), 0);
      this.#check(parts.name, { needed, others, space, unpacks });
      for (const [key, left] of missing) {
        const claim = this.#claims.get(key);
        if (claim) claim.holders += 1;
        else this.#claims.set(key, { left, holders: 1 });
      }
      return [...missing.keys()];
    });
  }

  #check(name: string, want: { needed: number; others: number; space: Space; unpacks: boolean }): void {
    const { needed, others, space, unpacks } = want;
    if (needed === 0) return;
    const over = needed + others - space.bytes;
    if (over > 0) {
      const besides = others > 0 ? `, ${megabytes(others)} of them for pulls that are running` : '';
      throw new DaemonError(
        'resource-exhausted',
        `${name}: no space left on device: ${megabytes(needed)} are to be downloaded, but the file system ${space.fileSystem} has ` +
          `${megabytes(space.bytes)} free${besides}; ${megabytes(over)} (${over} bytes) are missing: remove images with "dist rmi" or make room`,
      );
    }
    const estimate = needed * (1 + UNPACKED_FACTOR) + others;
    if (!unpacks || estimate <= space.bytes) return;
    const fields = { image: name, fileSystem: space.fileSystem, freeBytes: space.bytes, estimateBytes: estimate };
    this.#log.warn(fields, 'the image fits as it is packed, but may not fit unpacked');
  }

  #outstanding(): number {
    let sum = 0;
    for (const { left } of this.#claims.values()) sum += left;
    return sum;
  }

  /** So many bytes are still to come. */
  left(key: string, bytes: number): void {
    const claim = this.#claims.get(key);
    if (claim) claim.left = Math.max(0, bytes);
  }

  release(key: string): void {
    const claim = this.#claims.get(key);
    if (!claim) return;
    claim.holders -= 1;
    if (claim.holders === 0) this.#claims.delete(key);
  }

  /** What a full disk in the middle of the work is told as. */
  async explain(name: string, cause: Error): Promise<DaemonError> {
    const { fileSystem, bytes } = await this.#free();
    const missing = Math.max(0, this.#outstanding() - bytes);
    const more = missing > 0 ? `, at least ${megabytes(missing)} (${missing} bytes) are missing` : '';
    return new DaemonError(
      'resource-exhausted',
      `${name}: the file system ${fileSystem} is full (${megabytes(bytes)} free${more}), and what was begun is undone: ` +
        `remove images with "dist rmi" or make room (${cause.message})`,
      { cause },
    );
  }
}

interface ReservationParts {
  readonly name: string;
  readonly content: ContentStore;
  readonly namespace: string;
}

/** What one pull has claimed; disposing gives it back. */
export class SpaceReservation implements Disposable {
  readonly #all: SpaceReservations;
  readonly #parts: ReservationParts;
  readonly #held: string[] = [];
  #disposed = false;

  constructor(all: SpaceReservations, parts: ReservationParts) {
    this.#all = all;
    this.#parts = parts;
  }

  /**
   * Refuses a manifest before its first layer is fetched when it can't fit beside what running pulls still have to download.
   *
   * @throws resource-exhausted: the file system, how much is needed, how much there is.
   */
  checking(handler: Handler, options: { readonly unpacks: boolean }): Handler {
    return mapChildren(handler, async (children, target) => {
      if (kindOfMedia(target.mediaType) !== 'manifest') return children;
      const keys = await this.#all.claim(this.#parts, children, options.unpacks);
      this.#held.push(...keys);
      if (this.#disposed) this.#giveBack();
      return children;
    });
  }

  /** So many bytes of a blob are in the store. */
  stored({ digest, size }: Descriptor, offset: number): void {
    this.#all.left(keyOf(this.#parts.namespace, digest), size - offset);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#giveBack();
  }

  #giveBack(): void {
    for (const key of this.#held.splice(0)) this.#all.release(key);
  }
}

function keyOf(namespace: string, digest: Digest): string {
  return `${namespace} ${digest}`;
}

async function missingBytes({ content }: ReservationParts, target: Descriptor): Promise<number> {
  if (await isThere(content.info(target.digest))) return 0;
  const ingest = await isThere(content.status(ingestRef(target)));
  return Math.max(0, target.size - (ingest ? ingest.offset : 0));
}

async function isThere<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
