import { readFileSync } from 'node:fs';
import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { ProcessKey } from '../../core/execution/runtime.js';
import type { Mounts } from '../../core/kernel/mounts.js';
import { checkIdentifier } from '../../spec/identifier.js';

/** What a daemon that starts again must know of a shim. */
export interface ShimRecord {
  /** Absolute path of its program. */
  readonly program: string;
  /** Path of its socket; absent until it is started. */
  readonly socket?: string;
  /** Of the task API. */
  readonly version?: number;
}

const RECORD = 'shim.json';

/** The folder of a container whose runtime is a shim: beside those of our own, told apart by its record. */
export class ShimBundle {
  readonly path: string;
  readonly #id: string;

  /** @throws invalid-argument: names that are no identifiers, so that no path leaves its folder. */
  constructor(bundles: string, { namespace, containerId }: Pick<ProcessKey, 'namespace' | 'containerId'>) {
    this.#id = checkIdentifier(containerId, 'container id');
    this.path = join(bundles, checkIdentifier(namespace, 'namespace'), containerId);
  }

  /** @throws already-exists: there is a bundle of that id. */
  async create(spec: Uint8Array, record: ShimRecord): Promise<void> {
    await mkdir(join(this.path, '..'), { recursive: true, mode: 0o711 });
    await mkdir(this.path, { mode: 0o700 }).catch((cause: unknown) => {
      if (!isErrno(cause, 'EEXIST')) throw cause;
      throw new DaemonError('already-exists', `bundle of container ${this.#id}: already exists`, { cause });
    });
    await this.write(record);
    await mkdir(join(this.path, 'rootfs'), { mode: 0o711 });
    await mkdir(join(this.path, 'work'), { mode: 0o700 });
    await writeFile(join(this.path, 'config.json'), spec, { mode: 0o600 });
  }

  async write(record: ShimRecord): Promise<void> {
    const file = join(this.path, RECORD);
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  /** Undefined when it is no bundle of a shim. */
  read(): ShimRecord | undefined {
    try {
      // In place: it lies in memory, and is looked for with every call about a container, whatever its runtime.
      return JSON.parse(readFileSync(join(this.path, RECORD), 'utf8')) as ShimRecord;
    } catch (cause) {
      if (isErrno(cause, 'ENOENT') || cause instanceof SyntaxError) return undefined;
      throw cause;
    }
  }

  /** Folder of the FIFOs of a process, where its streams are at our side. No exec id begins with a dot. */
  streams(execId: string): string {
    return join(this.path, 'streams', execId === '' ? '.init' : checkIdentifier(execId, 'exec id'));
  }

  async removeStreams(execId: string): Promise<void> {
    await rm(this.streams(execId), { recursive: true, force: true });
  }

  /** Unmounts what lies below and removes the folder. */
  async remove(mounts: Mounts): Promise<void> {
    const points = (await mounts.list()).map(({ mountPoint }) => mountPoint);
    for (const point of points.filter((each) => each.startsWith(`${this.path}/`)).reverse()) {
      await mounts.unmount(point, { detach: true });
    }
    const left = (await mounts.list()).find(({ mountPoint }) => mountPoint.startsWith(`${this.path}/`));
    if (left) {
      throw new DaemonError(
        'failed-precondition',
        `${left.mountPoint} is still mounted: bundle ${this.path} is kept, unmount it and delete again`,
      );
    }
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Removes the socket that a dead shim has left. */
export async function removeSocket(path: string): Promise<void> {
  const info = await lstat(path).catch(() => undefined);
  if (info?.isSocket()) await rm(path, { force: true });
}
