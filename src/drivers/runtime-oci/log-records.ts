import type { LogGap, LogRecord } from '../../core/execution/logs.js';

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Reads lines of the log (native/monitor/PROTOCOL.md, "The log") as they come in pieces, and notices what is missing between them. */
export class LogRecordReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of output before the next record; undefined while nobody knows, after a jump. */
  #position: number | undefined;

  /** @param position 0 at the very beginning of a log; undefined to take it from the first line that tells it. */
  constructor(position: number | undefined) {
    this.#position = position;
  }

  /** What is whole after these bytes. */
  push(bytes: Buffer): (LogRecord | LogGap)[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const found: (LogRecord | LogGap)[] = [];
    let at = 0;
    for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, at)) {
      const record = this.#line(all, at, end);
      if (record) found.push(record);
      at = end + 1;
    }
    this.#rest = Buffer.from(all.subarray(at));
    return found;
  }

  /** A line from `at` to its newline at `end`; what is no line of ours (a torn one, after a power cut) is passed over. */
  #line(all: Buffer, at: number, end: number): LogRecord | LogGap | undefined {
    const streamAt = all.indexOf(SPACE, at) + 1;
    const tagAt = all.indexOf(SPACE, streamAt) + 1;
    const textAt = tagAt + 2;
    if (streamAt <= at || tagAt <= streamAt || textAt > end || all[tagAt + 1] !== SPACE) return undefined;
    const stream = all.toString('latin1', streamAt, tagAt - 1);
    if (stream === 'wharfd') return this.#mark(all.toString('latin1', textAt, end));
    if (stream !== 'stdout' && stream !== 'stderr') return undefined;
    const whole = all[tagAt] === 0x46;
    const bytes = all.subarray(textAt, whole ? end + 1 : end);
    if (this.#position !== undefined) this.#position += bytes.length;
    return { time: all.toString('latin1', at, streamAt - 1), stream, bytes };
  }

  /** `at N`: N bytes of output came before; `lost N`: so many were not written. */
  #mark(text: string): LogGap | undefined {
    const [what, number] = text.split(' ');
    const value = Number(number);
    if (what === 'lost') return { missingBytes: value };
    if (what !== 'at') return undefined;
    const missingBytes = this.#position === undefined ? 0 : value - this.#position;
    this.#position = value;
    return missingBytes > 0 ? { missingBytes } : undefined;
  }
}
