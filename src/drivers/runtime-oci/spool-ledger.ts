import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { StreamName } from './stream-name.js';

const FIELDS = 4;
const RECORD_BYTES = FIELDS * 8;

/**
 * How much of the spools of a process is logged, as a daemon after this one has to know it: a record of where the log and the spools are,
 * written before each piece goes to the log. The log's own position then tells how much of that piece is in it.
 */
export class SpoolLedger implements Disposable {
  readonly #fd: number;
  readonly #taken: Record<StreamName, number> = { stdout: 0, stderr: 0 };

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static create(path: string): SpoolLedger {
    return new SpoolLedger(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
  }

  /** @param position Bytes of output that the log has. */
  static reopen(path: string, position: number): SpoolLedger {
    const ledger = new SpoolLedger(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600));
    const bytes = Buffer.alloc(RECORD_BYTES);
    if (readSync(ledger.#fd, bytes, 0, RECORD_BYTES, 0) < RECORD_BYTES) return ledger;
    const [before = 0, stdout = 0, stderr = 0, isStderr = 0] = Array.from({ length: FIELDS }, (_, at) =>
      Number(bytes.readBigUInt64LE(at * 8)),
    );
    Object.assign(ledger.#taken, { stdout, stderr });
    ledger.#taken[isStderr === 1 ? 'stderr' : 'stdout'] += Math.max(0, position - before);
    return ledger;
  }

  /** Bytes of the stream's spool that are logged. */
  taken(stream: StreamName): number {
    return this.#taken[stream];
  }

  /** A piece of the stream is about to be logged. */
  begin(stream: StreamName, position: number): void {
    const bytes = Buffer.alloc(RECORD_BYTES);
    const fields = [position, this.#taken.stdout, this.#taken.stderr, stream === 'stderr' ? 1 : 0];
    for (const [at, field] of fields.entries()) bytes.writeBigUInt64LE(BigInt(field), at * 8);
    writeSync(this.#fd, bytes, 0, RECORD_BYTES, 0);
  }

  logged(stream: StreamName, count: number): void {
    this.#taken[stream] += count;
  }

  /** The stream's spool is empty again. */
  emptied(stream: StreamName): void {
    this.#taken[stream] = 0;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
