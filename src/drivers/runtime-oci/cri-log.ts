import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { LogLimits } from '../../core/execution/logs.js';
import { logCut } from './log-tail.js';
import type { SpoolLedger } from './spool-ledger.js';
import type { StreamName } from './stream-name.js';

const NEWLINE = 0x0a;
const TEXT_MAX = 16_384;
const SCAN_BYTES = 65_536;
/** Of a line about the log itself. */
const MARK_MAX = 120;

/** The bounded log of a process's output, as a monitor writes it (native/monitor/PROTOCOL.md, "The log"), where there is no monitor. */
export class CriLog implements Disposable {
  readonly #path: string;
  readonly #limits: LogLimits;
  readonly #log: Logger;
  #fd: number | undefined;
  #size = 0;
  /** Bytes of output logged so far. */
  #position = 0;
  /** That the open file will have when it is full. */
  #number = 1;
  /** Bytes of output that could not be written since the last success. */
  #lost = 0;
  #ledger: SpoolLedger | undefined;

  constructor(path: string, limits: LogLimits, log: Logger) {
    this.#path = path;
    this.#limits = limits;
    this.#log = log;
  }

  /** Bytes of output that are logged. */
  get position(): number {
    try {
      this.#open();
    } catch {
      // Then what is written next is counted, and that is told.
    }
    return this.#position;
  }

  /** Appends at once. What can't be written is counted, and the count written when that is possible again. */
  write(stream: StreamName, bytes: Uint8Array): void {
    this.#ledger?.begin(stream);
    const time = now();
    for (let at = 0; at < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, at);
      const length = Math.min((newline < 0 ? bytes.length : newline) - at, TEXT_MAX);
      const whole = at + length === newline;
      const taken = length + (whole ? 1 : 0);
      this.#record(`${time} ${stream} ${whole ? 'F' : 'P'} `, bytes.subarray(at, at + length), taken);
      at += taken;
    }
    this.#ledger?.logged(stream, bytes.length, this.#position);
  }

  /** From now on it notes there how far it is. */
  keepLedger(ledger: SpoolLedger): void {
    this.#ledger = ledger;
  }

  /**
   * At the end of all output: tells what was lost and is not told yet; on a disk that is still full in the place of the last records.
   * Nothing is written after it.
   */
  end(): void {
    if (this.#lost > 0) {
      try {
        this.#open();
      } catch {
        this.#takeBack();
        this.#tellInPlace();
      }
    }
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #record(head: string, text: Uint8Array, outputBytes: number): void {
    const line = Buffer.concat([Buffer.from(head), text, Buffer.from('\n')]);
    try {
      this.#open();
      if (this.#size > 0 && this.#size + line.length > this.#limits.maxBytes) this.#rotate();
      this.#put(line);
      this.#position += outputBytes;
    } catch (cause) {
      if (this.#lost === 0) {
        this.#log.warn({ path: this.#path, error: messageOf(cause) }, 'output is counted instead of logged');
      }
      this.#lost += outputBytes;
      this.#takeBack();
    }
  }

  #put(line: Uint8Array): void {
    const fd = this.#open();
    // A disk that gets full takes a part first.
    for (let at = 0; at < line.length;) at += writeSync(fd, line, at);
    this.#size += line.length;
  }

  #mark(what: string, first: number, second: number): void {
    this.#put(markLine(what, first, second));
  }

  /** Blocks that a file has already take no room: its last records give way to the mark, and are lost, too. */
  #tellInPlace(): void {
    try {
      if (this.#putInPlace(this.#lastFile())) return;
      throw new Error('no room for the mark');
    } catch (cause) {
      const fields = { path: this.#path, bytes: this.#lost, error: messageOf(cause) };
      this.#log.warn(fields, 'that the last bytes of the output are lost can not be told in its log');
    }
  }

  /** Where the last record is: when the disk got full as a new file was begun, in the one before it. */
  #lastFile(): string {
    const { size = 0 } = statSync(this.#path, { throwIfNoEntry: false }) ?? {};
    return size === 0 && this.#number > 1 ? `${this.#path}.${this.#number - 1}` : this.#path;
  }

  /** @returns False when the file has no record that may give way. */
  #putInPlace(path: string): boolean {
    // Not by the log's own kind of descriptor, which appends wherever it is told to write.
    const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      const { size } = fstatSync(fd);
      const start = Math.max(0, size - SCAN_BYTES);
      const tail = Buffer.alloc(size - start);
      readSync(fd, tail, 0, tail.length, start);
      const cut = logCut(tail, start === 0, MARK_MAX);
      if (!cut) return false;
      const line = markLine('lost', this.#lost + cut.lost + cut.output, this.#position - cut.output);
      const at = start + cut.at;
      writeSync(fd, line, 0, line.length, at);
      ftruncateSync(fd, at + line.length);
      return true;
    } finally {
      closeSync(fd);
    }
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    const fd = openSync(this.#path, 'a+', 0o600);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    if (this.#size > 0 && this.#position === 0) {
      const { position, number, torn } = endOf(fd);
      [this.#position, this.#number] = [position, number];
      // Who wrote it was killed in the middle of a record.
      this.#size -= torn;
      if (torn > 0) ftruncateSync(fd, this.#size);
    }
    if (this.#size === 0 && this.#position > 0) this.#mark('at', this.#position, this.#number);
    if (this.#lost > 0) {
      this.#mark('lost', this.#lost, this.#position);
      this.#lost = 0;
    }
    return fd;
  }

  #rotate(): void {
    this[Symbol.dispose]();
    renameSync(this.#path, `${this.#path}.${this.#number}`);
    this.#number += 1;
    const oldest = this.#number - this.#limits.maxFiles;
    if (oldest > 0) rmSync(`${this.#path}.${oldest}`, { force: true });
  }

  /** A record is there whole or not at all. */
  #takeBack(): void {
    if (this.#fd !== undefined) ftruncateSync(this.#fd, this.#size);
    this[Symbol.dispose]();
  }
}

function markLine(what: string, first: number, second: number): Buffer {
  return Buffer.from(`${now()} wharfd F ${what} ${first} ${second}\n`);
}

function now(): string {
  return new Date().toISOString().replace('Z', '000000Z');
}

/** Of an open log: bytes of output up to its end and its number, as its `at` line says and what follows that; bytes that end no line. */
function endOf(fd: number): { readonly position: number; readonly number: number; readonly torn: number } {
  const chunk = Buffer.alloc(SCAN_BYTES);
  let [text, position, number, at] = ['', 0, 1, 0];
  for (let got = readSync(fd, chunk, 0, SCAN_BYTES, 0); got > 0; got = readSync(fd, chunk, 0, SCAN_BYTES, at)) {
    at += got;
    const lines = (text + chunk.toString('latin1', 0, got)).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const [, stream, tag, ...words] = line.split(' ');
      if (stream === 'wharfd' && words[0] === 'at') [position, number] = [Number(words[1]), Number(words[2])];
      else if (stream !== 'wharfd') position += words.join(' ').length + (tag === 'F' ? 1 : 0);
    }
  }
  return { position, number, torn: text.length };
}
