import { randomBytes } from 'node:crypto';
import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../base/directory.js';
import { isErrno, isKind } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';

const PREFIX = '.wharfd-draft-';

interface Draft {
  readonly path: string;
  readonly lock: Disposable;
  readonly file: FileHandle;
}

/**
 * Objects of a layout that are being written, beside the finished ones. Who writes one holds its lock, so that a later writer, of
 * whatever process, can tell what a killed one has left.
 */
export class LayoutDrafts {
  readonly #lockFile: Descriptors['lockFile'];

  constructor(lockFile: Descriptors['lockFile']) {
    this.#lockFile = lockFile;
  }

  /**
   * Writes a file and gives it its name, or leaves nothing.
   *
   * @param folder Of the draft; on the file system of `path`.
   */
  async write(folder: string, path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const draft = await this.#begin(folder);
    using _ = draft.lock;
    await using file = draft.file;
    try {
      await fill(file);
      await file.chmod(0o644);
      await file.sync();
      faultPoint('the draft of an object in a layout is flushed');
      await rename(draft.path, path);
    } catch (cause) {
      await rm(draft.path, { force: true });
      throw cause;
    }
  }

  /** Somebody who sweeps may take a file away in the moment before it is locked. */
  async #begin(folder: string, tries = 3): Promise<Draft> {
    const path = join(folder, `${PREFIX}${randomBytes(8).toString('hex')}`);
    let lock: Disposable | undefined;
    try {
      lock = this.#lockWherePossible(path);
      return { path, lock, file: await open(path, 'r+') };
    } catch (cause) {
      lock?.[Symbol.dispose]();
      const swept = isKind(cause, 'unavailable') || isErrno(cause, 'ENOENT');
      if (!swept || tries === 1) throw cause;
      return this.#begin(folder, tries - 1);
    }
  }

  /** Without locks nobody can tell that it is left behind, so that nobody takes it away. */
  #lockWherePossible(path: string): Disposable {
    try {
      return this.#lockFile(path);
    } catch (cause) {
      if (!hasNoLocks(cause)) throw cause;
      return { [Symbol.dispose]: () => undefined };
    }
  }

  /** Removes what nobody writes any more. */
  async sweep(folder: string): Promise<void> {
    for (const name of await namesIn(folder)) {
      if (name.startsWith(PREFIX)) await this.#sweepOne(join(folder, name));
    }
  }

  async #sweepOne(draft: string): Promise<void> {
    try {
      // What is no file is nothing of ours, and no reason not to write the layout.
      if (!(await lstat(draft)).isFile()) return;
      using _ = this.#lockFile(draft);
      await rm(draft, { force: true });
    } catch (error) {
      if (!isKind(error, 'unavailable') && !isErrno(error, 'ENOENT') && !hasNoLocks(error)) throw error;
    }
  }
}

/** flock(2) on some file systems of a network. */
function hasNoLocks(error: unknown): boolean {
  return ['ENOLCK', 'EOPNOTSUPP', 'ENOSYS'].some((code) => isErrno(error, code));
}
