import { DaemonError } from '../../base/errors.js';

/** Type of a frame: the two of unary calls. */
export const FRAME = { request: 1, response: 2 } as const;

/** One message of a connection. */
export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 10;
/** What ttrpc's own ends take at most. */
const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;

/** Header (length, stream, type, flags; big-endian) and payload. @throws resource-exhausted: over 4 MiB. */
export function encodeFrame({ streamId, type, payload }: Frame): Buffer {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    throw new DaemonError('resource-exhausted', `a ttrpc message of ${payload.length} bytes: at most 4 MiB go`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt32BE(streamId, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, payload]);
}

/** Cuts what a connection brings into frames; keeps at most one that is not whole. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;

  /** @throws data-loss: a frame over 4 MiB; the connection is of no use any more. */
  push(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#size < HEADER_BYTES) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < HEADER_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    const head = this.#chunks[0] ?? Buffer.alloc(0);
    const length = head.readUInt32BE(0);
    if (length > PAYLOAD_BYTES_MAX) throw new DaemonError('data-loss', `a ttrpc frame of ${length} bytes came`);
    const whole = HEADER_BYTES + length;
    if (this.#size < whole) return undefined;
    const all = this.#chunks.length === 1 ? head : Buffer.concat(this.#chunks);
    const rest = all.subarray(whole);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return { streamId: all.readUInt32BE(4), type: all.readUInt8(8), payload: all.subarray(HEADER_BYTES, whole) };
  }
}
