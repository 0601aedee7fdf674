import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';

/** Packed bytes that are unpacked between two flushes. */
const STRIDE_BYTES = 4 * 1024 ** 2;

/**
 * Writes layers to the disk while more of them are unpacked, so that little is left to flush before they get a name. An error of the disk is
 * told only once, by whatever flush comes first: it is kept here for all whose files it may have met.
 */
export class EarlyFlush {
  readonly #backend: Pick<SnapshotBackend, 'sync'>;
  #unpackedBytes = 0;
  #running: Promise<void> | undefined;
  #failures = 0;
  #lastFailure: unknown;

  constructor(backend: Pick<SnapshotBackend, 'sync'>) {
    this.#backend = backend;
  }

  /** How many flushes went wrong so far: what `idle` is to be given. */
  get failures(): number {
    return this.#failures;
  }

  /** So many packed bytes of a layer were unpacked. */
  unpacked(layerId: number, bytes: number): void {
    this.#unpackedBytes += bytes;
    if (this.#unpackedBytes < STRIDE_BYTES || this.#running !== undefined) return;
    this.#unpackedBytes = 0;
    this.#running = this.#flush(layerId).then(() => {
      this.#running = undefined;
    });
  }

  async #flush(layerId: number): Promise<void> {
    try {
      await this.#backend.sync([layerId]);
    } catch (cause) {
      this.#failures += 1;
      this.#lastFailure = cause;
    }
  }

  /** Settles when no flush is under way, however it ended. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /**
   * Settles when no flush is under way.
   *
   * @param failuresBefore What `failures` was before the first file was written that is asked about.
   * @throws What went wrong with a flush since then.
   */
  async idle(failuresBefore: number): Promise<void> {
    await this.#running;
    if (this.#failures > failuresBefore) throw this.#lastFailure;
  }
}
