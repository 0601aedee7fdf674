import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a body goes out, where it is not all at once. */
export interface Sending {
  /** Cuts the connection after that many bytes of the body. */
  cutAfter?: number;
  /** Sends that many bytes of the body and then nothing more, for ever. */
  stallAfter?: number;
  /** Sends that many bytes, waits, sends as many again, and so on. */
  drip?: { readonly bytes: number; readonly everyMs: number };
  /** Sends the body again and again, until the other side has enough of it. */
  endless?: boolean;
}

/** What a network is like. */
export interface Link {
  /** Bytes a second. */
  readonly total?: number;
  /** Bytes a second of one response. */
  readonly each?: number;
  /** Milliseconds from a request to its answer. */
  readonly latencyMs?: number;
}

const PIECE_BYTES = 64 * 1024;

/** Lets so many bytes a second through, whoever sends them. */
class Meter {
  readonly #bytesPerSecond: number;
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Milliseconds until these bytes may go. */
  take(bytes: number): number {
    const now = performance.now();
    const at = Math.max(this.#freeAt, now);
    this.#freeAt = at + (bytes / this.#bytesPerSecond) * 1000;
    return at - now;
  }
}

/** A network that all responses of a registry share. */
export class ShapedLink {
  readonly #total: Meter | undefined;
  readonly #each: number | undefined;
  readonly #latencyMs: number;

  constructor({ total, each, latencyMs = 0 }: Link) {
    this.#latencyMs = latencyMs;
    this.#total = total === undefined ? undefined : new Meter(total);
    this.#each = each;
  }

  /** Resolves when a request has come there and its answer back. */
  async arrive(): Promise<void> {
    if (this.#latencyMs > 0) await sleep(this.#latencyMs);
  }

  /** @returns What one response waits by before each piece. */
  open(): (bytes: number) => Promise<void> {
    const meters = [this.#total, this.#each === undefined ? undefined : new Meter(this.#each)];
    return async (bytes) => {
      const ms = Math.max(...meters.map((meter) => meter?.take(bytes) ?? 0));
      if (ms >= 1) await sleep(ms);
    };
  }
}

/**
 * Sends a body whose headers are written. Never rejects: a client that goes away ends it.
 *
 * @param onSent Told of bytes that went into the connection; those behind a full one have not.
 */
export async function sendBody(
  response: ServerResponse,
  body: Buffer,
  how: Sending,
  link: ShapedLink | undefined,
  onSent: (bytes: number) => void,
): Promise<void> {
  const part = body.subarray(0, how.cutAfter ?? how.stallAfter);
  const pieces = part.length === 0 ? [] : piecesOf(part, how);
  const pass = link?.open();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const piece of pieces) {
    await pass?.(piece.length);
    if (gone.signal.aborted) return;
    onSent(piece.length);
    if (!response.write(piece)) await once(response, 'drain', gone).catch(() => undefined);
    if (how.drip) await sleep(how.drip.everyMs);
  }
  endBody(response, how);
}

/** Without end where that is wanted. */
function* piecesOf(bytes: Buffer, { drip, endless }: Sending): Generator<Buffer> {
  const size = drip?.bytes ?? PIECE_BYTES;
  do {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  } while (endless);
}

function endBody(response: ServerResponse, { cutAfter, stallAfter }: Sending): void {
  if (stallAfter !== undefined) return;
  if (cutAfter === undefined) response.end();
  // An empty write is called back after all that was written before.
  else response.write('', () => response.destroy());
}
