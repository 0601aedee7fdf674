import { type FileHandle, open } from 'node:fs/promises';
import type { CriLog } from './cri-log.js';
import type { StreamName } from './stream-name.js';

/** How long output waits for a first reader once all room is used. */
export const READER_GRACE_MS = 10_000;

/** Where one output stream of a process goes, when the daemon itself holds its pipes. */
export interface OutputSink extends AsyncDisposable {
  /** Takes bytes in order; resolves when it can take more. Never rejects: output that cannot be delivered goes to the log. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more will come. Resolves when all is delivered, or nobody is there to take it. */
  end(): Promise<void>;
}

/** Appends to a file; what the file does not take goes to the log. */
export class FileSink implements OutputSink {
  readonly #log: CriLog;
  readonly #stream: StreamName;
  #file: FileHandle | undefined;

  private constructor(file: FileHandle, stream: StreamName, log: CriLog) {
    this.#file = file;
    this.#stream = stream;
    this.#log = log;
  }

  static async open(path: string, stream: StreamName, log: CriLog): Promise<FileSink> {
    return new FileSink(await open(path, 'a'), stream, log);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#file) {
        await this.#file.writeFile(bytes);
        return;
      }
    } catch {
      await this.end();
    }
    this.#log.write(this.#stream, bytes);
  }

  async end(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
