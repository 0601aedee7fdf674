import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { isDiskFull } from '../../base/errors.js';
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
  /** Bytes of output that the log has. */
  #position: number;

  private constructor(fd: number, position: number) {
    this.#fd = fd;
    this.#position = position;
  }

  /** @param position Bytes of output that the log has. */
  static create(path: string, position: number): SpoolLedger {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const ledger = new SpoolLedger(openSync(path, flags, 0o600), position);
    ledger.#note('stdout'); // from now on it has its room, also where the disk gets full
    return ledger;
  }

  /** @param position Bytes of output that the log has. */
  static reopen(path: string, position: number): SpoolLedger {
    const ledger = new SpoolLedger(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600), position);
    ledger.#read();
    ledger.#note('stdout');
    return ledger;
  }

  #read(): void {
    const bytes = Buffer.alloc(RECORD_BYTES);
    if (readSync(this.#fd, bytes, 0, RECORD_BYTES, 0) < RECORD_BYTES) return;
    const [before = 0, stdout = 0, stderr = 0, isStderr = 0] = Array.from({ length: FIELDS }, (_, at) =>
      Number(bytes.readBigUInt64LE(at * 8)),
    );
    Object.assign(this.#taken, { stdout, stderr });
    this.#taken[isStderr === 1 ? 'stderr' : 'stdout'] += Math.max(0, this.#position - before);
  }

  /** Bytes of the stream's spool that are logged. */
  taken(stream: StreamName): number {
    return this.#taken[stream];
  }

  /** A piece of the stream is about to be logged. */
  begin(stream: StreamName): void {
    this.#note(stream);
  }

  /** @param position Bytes of output that the log has now: not all of the piece where a disk is full. */
  logged(stream: StreamName, count: number, position: number): void {
    this.#taken[stream] += count;
    this.#position = position;
  }

  /** The stream's spool is empty again; nothing may come into it before this is noted. */
  emptied(stream: StreamName): void {
    this.#taken[stream] = 0;
    this.#note(stream);
  }

  #note(stream: StreamName): void {
    const bytes = Buffer.alloc(RECORD_BYTES);
    const fields = [this.#position, this.#taken.stdout, this.#taken.stderr, stream === 'stderr' ? 1 : 0];
    for (const [at, field] of fields.entries()) bytes.writeBigUInt64LE(BigInt(field), at * 8);
    try {
      writeSync(this.#fd, bytes, 0, RECORD_BYTES, 0);
    } catch (cause) {
      // The process must go on. What a death would cost then is a piece that is logged twice.
      if (!isDiskFull(cause)) throw cause;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
