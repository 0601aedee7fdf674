import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { deferred } from '../../base/abort.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';

/** A process's stdin (or terminal) when the daemon itself holds its other end; closed by `close`, once all before it is written. */
export class ProcessInput implements Disposable {
  readonly #to: Writable;
  readonly #terminal: boolean;
  readonly #descriptors: Descriptors;
  #from: Socket | undefined;
  #hold: Fd | undefined;
  #closed = false;

  /** @param to What the process reads; ended by us unless it is a terminal, which has no half-close. */
  constructor(descriptors: Descriptors, to: Writable, terminal: boolean) {
    this.#descriptors = descriptors;
    this.#to = to;
    this.#terminal = terminal;
    // The process has closed its stdin, or is gone: whoever writes shall see that too.
    to.on('error', () => this[Symbol.dispose]());
    to.on('close', () => this[Symbol.dispose]());
  }

  /** Copies from the client's FIFO. A write end of it is held, so that clients may come and go. */
  copyFrom(fifo: string): void {
    const from = new Socket({ fd: this.#descriptors.openFifo(fifo, 'read'), readable: true, writable: false });
    this.#hold = this.#descriptors.openFifo(fifo, 'write');
    this.#from = from;
    from.on('error', () => undefined); // 'close' follows
    from.pipe(this.#to, { end: !this.#terminal });
    if (this.#closed) this.#drop();
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed || this.#to.destroyed) return;
    const { promise, resolve } = deferred<undefined>();
    this.#to.write(bytes, () => resolve(undefined));
    await promise;
  }

  /** No client will come any more; what is written already arrives. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#hold !== undefined) this.#drop();
    else if (!this.#from && !this.#terminal) this.#to.end();
  }

  [Symbol.dispose](): void {
    this.#drop();
    this.#from?.destroy();
    if (!this.#terminal) this.#to.destroy();
  }

  #drop(): void {
    if (this.#hold !== undefined) this.#descriptors.close(this.#hold);
    this.#hold = undefined;
  }
}
