/** Frames of the monitor's control protocol (native/monitor/PROTOCOL.md): u8 type, u8 stream, u16 tag, u32 length, payload. */
export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 8;
/** Most payload of a frame to the monitor. */
export const REQUEST_BYTES = 32_768;
/** Most payload of a frame from it. */
const REPLY_BYTES = 65_536;

export const REQUEST = {
  hello: 1,
  status: 2,
  resize: 3,
  closeStdin: 4,
  attach: 5,
  stdin: 6,
  go: 7,
} as const;

export const REPLY = {
  ok: 128,
  error: 129,
  state: 130,
  created: 144,
  failed: 145,
  oom: 146,
  exited: 147,
  drained: 148,
  output: 160,
  outputEnd: 161,
} as const;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly tag: number;
  readonly payload: Buffer;
}

/** STATE's JSON. */
export interface MonitorState {
  readonly protocol: number;
  readonly monitor: number;
  readonly phase: 'creating' | 'created' | 'failed' | 'exited';
  readonly pid: number;
  readonly startTime: string;
  readonly terminal: boolean;
  readonly oomKilled: boolean;
  readonly drained: boolean;
  readonly status: number;
  readonly exitedAtNs: string;
  readonly runtimeStatus: number;
  readonly message: string;
}

export function encodeFrame(type: number, tag: number, payload: Uint8Array = Buffer.alloc(0), stream = 0): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(stream, 1);
  bytes.writeUInt16BE(tag, 2);
  bytes.writeUInt32BE(payload.length, 4);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Payload of numbers, each a big-endian u16. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(Math.min(Math.max(value, 0), 0xffff), index * 2));
  return bytes;
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns The frames that are whole now. @throws RangeError: a frame longer than the protocol allows. */
  push(bytes: Uint8Array): Frame[] {
    let rest =
      this.#rest.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(4);
      if (length > REPLY_BYTES) throw new RangeError(`a frame of ${length} bytes, over ${REPLY_BYTES}`);
      if (rest.length < HEADER_BYTES + length) break;
      frames.push({
        type: rest.readUInt8(0),
        stream: rest.readUInt8(1),
        tag: rest.readUInt16BE(2),
        payload: rest.subarray(HEADER_BYTES, HEADER_BYTES + length),
      });
      rest = rest.subarray(HEADER_BYTES + length);
    }
    this.#rest = rest;
    return frames;
  }
}
