import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mounts } from '../../core/kernel/mounts.js';
import type { NetworkKey } from '../../core/network/container-networks.js';
import { cniId } from './cni-chain.js';

/**
 * Network namespaces that outlive their last process, each by a bind mount of its file: plugins need the namespace to take down all that
 * they have set up, such as rules for the addresses in it.
 */
export class NamespacePins {
  readonly #mounts: Mounts;
  readonly #dir: string;

  constructor(mounts: Mounts, dir: string) {
    this.#mounts = mounts;
    this.#dir = dir;
  }

  /** Holds the network namespace of a process, and returns its file. */
  async pin(key: NetworkKey, pid: number): Promise<string> {
    await this.unpin(key);
    const path = this.#path(key);
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await writeFile(path, '', { mode: 0o600 });
    await this.#mounts.mount({ type: 'bind', source: `/proc/${pid}/ns/net`, options: ['bind'] }, path);
    return path;
  }

  /** The file of a namespace that is held. */
  async find(key: NetworkKey): Promise<string | undefined> {
    const path = this.#path(key);
    return (await this.#mounts.list()).some(({ mountPoint }) => mountPoint === path) ? path : undefined;
  }

  /** Lets go of it; not held is no error. */
  async unpin(key: NetworkKey): Promise<void> {
    const path = await this.find(key);
    if (path !== undefined) await this.#mounts.unmount(path, { detach: true });
    await rm(this.#path(key), { force: true });
  }

  #path(key: NetworkKey): string {
    return join(this.#dir, cniId(key));
  }
}
