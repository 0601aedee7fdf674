import { randomBytes } from 'node:crypto';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { faultPoint } from '../../base/fault-point.js';
import type { Mount, Mounts } from '../kernel/mounts.js';

/** A directory for files and mounts that last as long as one call. */
export class Scratch {
  readonly #directory: string;
  readonly #mounts: Mounts;

  constructor(directory: string, mounts: Mounts) {
    this.#directory = directory;
    this.#mounts = mounts;
  }

  /** A new path in it, with nothing there yet. */
  async path(): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    return join(this.#directory, randomBytes(8).toString('hex'));
  }

  /** Runs `work` with the mounts done at a directory, whose path it gets. */
  async mounted<T>(mounts: readonly Mount[], work: (path: string) => Promise<T>): Promise<T> {
    const directory = await this.path();
    await mkdir(directory, { mode: 0o700 });
    try {
      await using mounted = await this.#mounts.mountAll(mounts, directory);
      return await work(mounted.path);
    } finally {
      // Never with what is in it: an unmount that went wrong leaves a file system of somebody there.
      await rmdir(directory);
      faultPoint('a place of a mount is removed');
    }
  }

  /** Removes what an earlier run of the daemon left behind. */
  async clean(): Promise<void> {
    const left = (await this.#mounts.list()).filter(({ mountPoint }) => mountPoint.startsWith(`${this.#directory}/`));
    for (const { mountPoint } of left.toReversed()) await this.#mounts.unmount(mountPoint, { detach: true });
    await rm(this.#directory, { recursive: true, force: true });
  }
}
