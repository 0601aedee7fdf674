import { objectBytes, RangesIgnored, type BlobSource } from './blob-stream.js';
import type { BlobStream, BlobStreams, RangeLimits } from './blob-streams.js';
import { RangeWindow } from './range-window.js';

/** So many ranges fit into a blob that is fetched in several. */
const PARTS_MIN = 16;
/** Of a large blob the ranges that wait for the one ahead of them, and would be lost in a crash, are 2 %. */
const AHEAD_SHARE = 0.02;
/** A further connection stays when it brings this much. */
const GAIN_MIN = 1.25;
/** More than this in one connection is not the network's limit but the machine's. */
const FAST_BYTES_PER_SECOND = 200_000_000;

/**
 * The bytes of a blob from byte `from` on. A large one that is alone on its way from its host is fetched in several ranges at one time
 * where that is measured to be faster than one connection.
 *
 * @throws What `objectBytes` throws.
 */
export async function* blobBytes(
  source: BlobSource,
  from: number,
  streams: BlobStreams,
): AsyncGenerator<Uint8Array, void> {
  const { size } = source.target;
  const part = partBytesOf(size, streams.limits);
  let at = from;
  using stream = streams.open(source.client.endpoint.origin, size);
  let useful = streams.limits.connectionsMax > 1 && stream.best !== 1;
  while (at < size) {
    const rest = size - at;
    // No end shortly before the end: where the blob is the last one, the network would stand still for a moment.
    const whole = !useful || rest < 2 * PARTS_MIN * part;
    if (!whole && stream.mayWiden()) {
      const way = new WideWay(source, at, part, { stream, connectionsMax: streams.limits.connectionsMax });
      for await (const bytes of way.bytes()) {
        at += bytes.length;
        yield bytes;
      }
      stream.narrow();
      useful = way.useful;
    } else {
      // With an end, since this blob may be alone by then.
      for await (const bytes of objectBytes(source, at, whole ? size : at + PARTS_MIN * part)) {
        at += bytes.length;
        yield bytes;
      }
    }
  }
}

function partBytesOf(size: number, { connectionsMax, partBytesMin, partBytesMax }: RangeLimits): number {
  const wanted = Math.ceil((size * AHEAD_SHARE) / Math.max(1, connectionsMax - 1));
  return Math.min(Math.max(wanted, partBytesMin), partBytesMax);
}

/** Fetches with as many connections as are known to be best for the host; or with one, then two, and so on, as long as each step pays. */
class WideWay {
  /** Whether more than one connection is, or may be, better than one. */
  useful = true;
  readonly #source: BlobSource;
  readonly #part: number;
  readonly #stream: BlobStream;
  readonly #connectionsMax: number;
  #at: number;

  constructor(
    source: BlobSource,
    from: number,
    part: number,
    how: { readonly stream: BlobStream; readonly connectionsMax: number },
  ) {
    this.#source = source;
    this.#at = from;
    this.#part = part;
    this.#stream = how.stream;
    this.#connectionsMax = how.connectionsMax;
  }

  /** Ends early when the blob is not alone any more, or nothing is gained. */
  async *bytes(): AsyncGenerator<Uint8Array, void> {
    const known = this.#stream.best;
    if (known !== undefined) yield* this.#unlessIgnored(this.#wide({ connections: known, afterPart: () => undefined }));
    else yield* this.#tried();
  }

  async *#tried(): AsyncGenerator<Uint8Array, void> {
    const alone = yield* this.#alone();
    if (this.#at > alone.end || alone.speed > FAST_BYTES_PER_SECOND) {
      this.#stream.best = 1;
      this.useful = false;
      return;
    }
    yield* this.#unlessIgnored(this.#wide(new Steps(alone.speed, this.#part, this.#connectionsMax)));
  }

  async *#unlessIgnored(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    try {
      yield* bytes;
    } catch (error) {
      if (!(error instanceof RangesIgnored)) throw error;
      this.#stream.best = 1;
      this.useful = false;
    }
  }

  /** Bytes a second of one connection, in the second half of some parts, when it has got up to its speed. */
  async *#alone(): AsyncGenerator<Uint8Array, { readonly speed: number; readonly end: number }> {
    const end = this.#at + 4 * this.#part;
    const middle = this.#at + 2 * this.#part;
    let began: { readonly at: number; readonly ms: number } | undefined;
    for await (const bytes of objectBytes(this.#source, this.#at, end)) {
      this.#at += bytes.length;
      if (this.#at >= middle) began ??= { at: this.#at, ms: performance.now() };
      yield bytes;
    }
    return { speed: speedOf(this.#at - (began?.at ?? this.#at), began?.ms ?? 0), end };
  }

  async *#wide(steps: Pick<Steps, 'connections' | 'afterPart'>): AsyncGenerator<Uint8Array, void> {
    await using window = new RangeWindow(this.#source, this.#at, this.#part);
    for (;;) {
      window.widen(this.useful && this.#stream.mayWiden() ? steps.connections : 0);
      const part = window.take();
      if (!part) return;
      for await (const bytes of part) {
        this.#at += bytes.length;
        yield bytes;
      }
      const best = steps.afterPart();
      if (best === undefined) continue;
      this.#stream.best = best;
      this.useful = best > 1;
    }
  }
}

/** Tries more and more connections, each number for some parts; the parts that come while connections are made do not count. */
class Steps {
  connections: number;
  readonly #partBytes: number;
  readonly #connectionsMax: number;
  #best: { readonly connections: number; readonly speed: number };
  #tries = true;
  #parts = 0;
  #beganMs = 0;

  /** @param alone Bytes a second of one connection. */
  constructor(alone: number, partBytes: number, connectionsMax: number) {
    this.#best = { connections: 1, speed: alone };
    this.#partBytes = partBytes;
    this.#connectionsMax = connectionsMax;
    this.connections = 2;
  }

  /** @returns How many connections are best, once that is known, and once only. */
  afterPart(): number | undefined {
    if (!this.#tries) return undefined;
    this.#parts += 1;
    const { connections } = this;
    if (this.#parts === connections) this.#beganMs = performance.now();
    if (this.#parts < 3 * connections) return undefined;
    const speed = speedOf(2 * connections * this.#partBytes, this.#beganMs);
    const gained = speed > GAIN_MIN * this.#best.speed;
    if (gained) this.#best = { connections, speed };
    const more = Math.min(connections * 2, this.#connectionsMax);
    this.#parts = 0;
    this.#tries = gained && more > connections;
    this.connections = this.#tries ? more : this.#best.connections;
    return this.#tries ? undefined : this.#best.connections;
  }
}

function speedOf(bytes: number, sinceMs: number): number {
  const ms = performance.now() - sinceMs;
  return ms > 0 ? (bytes / ms) * 1000 : Infinity;
}
