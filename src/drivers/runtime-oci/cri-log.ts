import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';

export type StreamName = 'stdout' | 'stderr';

const NEWLINE = 0x0a;
/** Size at which the log starts anew; the one before it is kept as `FILE.1`. */
const LIMIT_BYTES = 1 << 20;

/** The bounded log of a process's output, in the line format of Kubernetes' CRI logs: `time stream F|P text`. */
export class CriLog implements Disposable {
  readonly #path: string;
  readonly #log: Logger;
  #fd: number | undefined;
  #size = 0;
  #broken = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Appends at once: the file is small and its folder is in memory (or the daemon would wait for a disk per line). */
  write(stream: StreamName, bytes: Uint8Array): void {
    if (this.#broken) return;
    const time = new Date().toISOString().replace('Z', '000000Z');
    try {
      for (let at = 0; at < bytes.length;) {
        const newline = bytes.indexOf(NEWLINE, at);
        const end = newline < 0 ? bytes.length : newline;
        this.#record(`${time} ${stream} ${newline < 0 ? 'P' : 'F'} `, bytes.subarray(at, end));
        at = end + 1;
      }
    } catch (cause) {
      this.#broken = true;
      this.#log.warn({ path: this.#path, error: messageOf(cause) }, 'output is no longer logged');
    }
  }

  #record(head: string, text: Uint8Array): void {
    const line = Buffer.concat([Buffer.from(head), text, Buffer.from('\n')]);
    if (this.#size > 0 && this.#size + line.length > LIMIT_BYTES) this.#rotate();
    const fd = this.#open();
    writeSync(fd, line);
    this.#size += line.length;
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    const fd = openSync(this.#path, 'a', 0o600);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    return fd;
  }

  #rotate(): void {
    this[Symbol.dispose]();
    renameSync(this.#path, `${this.#path}.1`);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#size = 0;
  }
}
