import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../base/directory.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { ProcessKey, RuntimeOptions } from '../../core/execution/runtime.js';
import type { Mount, Mounts } from '../../core/kernel/mounts.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { mappedRootGroup } from './spec-fields.js';

/** Name of the folder below the daemon's state that holds all bundles (WIRE.md 6). */
export const BUNDLES_FOLDER = 'io.containerd.runtime.v2.task';

/** How the OCI runtime of a container is called, recorded when it is made and used ever after. */
export interface RecordedRuntime {
  /** Absolute path. */
  readonly binary: string;
  /** State root of the OCI runtime, namespace included. */
  readonly root: string;
  readonly options: RuntimeOptions;
}

/** The folder of one container: `config.json`, `rootfs`, `work` and what we keep besides. */
export class Bundle {
  readonly path: string;
  readonly containerId: string;

  /** @throws invalid-argument: an id that is none, so that no path leaves its folder. */
  constructor(bundlesRoot: string, namespace: string, containerId: string) {
    checkIdentifier(namespace, 'namespace');
    checkIdentifier(containerId, 'container id');
    this.path = join(bundlesRoot, namespace, containerId);
    this.containerId = containerId;
  }

  get rootfs(): string {
    return join(this.path, 'rootfs');
  }

  get pidFile(): string {
    return join(this.path, 'init.pid');
  }

  get work(): string {
    return join(this.path, 'work');
  }

  /** Where the monitor of one process keeps its files. @throws invalid-argument: an exec id that is none. */
  processDir(execId: string): string {
    if (execId === '') return join(this.work, 'init');
    return join(this.work, 'execs', checkIdentifier(execId, 'exec id'));
  }

  /**
   * Makes the folder with all its files. A user namespace's root is another user: its group may pass through.
   *
   * @throws already-exists: there is a bundle of that id.
   */
  async create(spec: Uint8Array, runtime: RecordedRuntime): Promise<void> {
    await mkdir(join(this.path, '..'), { recursive: true, mode: 0o711 });
    await mkdir(this.path, { mode: 0o700 }).catch((cause: unknown) => {
      if (!isErrno(cause, 'EEXIST')) throw cause;
      throw new DaemonError('already-exists', `bundle of container ${this.containerId}: already exists`, { cause });
    });
    const group = mappedRootGroup(spec);
    if (group !== undefined) {
      await chown(this.path, 0, group);
      await chmod(this.path, 0o710);
    }
    await mkdir(this.rootfs, { mode: 0o711 });
    await mkdir(this.processDir(''), { recursive: true, mode: 0o700 });
    await writeFile(join(this.path, 'config.json'), spec, { mode: 0o600 });
    await writeFile(join(this.path, 'options.json'), JSON.stringify(runtime), { mode: 0o600 });
    await writeFile(join(this.path, 'runtime'), runtime.binary, { mode: 0o600 });
  }

  /** Undefined when there is no bundle, or one that was never finished. */
  async recordedRuntime(): Promise<RecordedRuntime | undefined> {
    try {
      return JSON.parse(await readFile(join(this.path, 'options.json'), 'utf8')) as RecordedRuntime;
    } catch (cause) {
      if (isErrno(cause, 'ENOENT') || cause instanceof SyntaxError) return undefined;
      throw cause;
    }
  }

  async makeProcessDir(execId: string): Promise<string> {
    const dir = this.processDir(execId);
    await mkdir(join(dir, '..'), { recursive: true, mode: 0o700 });
    await mkdir(dir, { mode: 0o700 }).catch((cause: unknown) => {
      if (!isErrno(cause, 'EEXIST')) throw cause;
      throw new DaemonError('already-exists', `process ${execId} of container ${this.containerId}: already exists`, {
        cause,
      });
    });
    return dir;
  }

  async removeProcessDir(execId: string): Promise<void> {
    await rm(this.processDir(execId), { recursive: true, force: true });
  }

  /** Exec ids that have a folder. */
  async execIds(): Promise<readonly string[]> {
    return await idsIn(join(this.work, 'execs'));
  }

  async mountRootfs(mounts: Mounts, wanted: readonly Mount[]): Promise<void> {
    if (wanted.length > 0) await mounts.mountAll(wanted, this.rootfs);
  }

  /** Unmounts all that lies below the bundle, whoever mounted it, also before the daemon's restart. */
  async unmountRootfs(mounts: Mounts): Promise<void> {
    for (const mountPoint of (await this.#mounted(mounts)).reverse()) {
      await mounts.unmount(mountPoint).catch(async (cause: unknown) => {
        if (!isErrno(cause, 'EBUSY')) throw cause;
        await mounts.unmount(mountPoint, { detach: true });
      });
    }
  }

  /** Removes the folder. Refuses while something is mounted in it: the removal would go through into a snapshot. */
  async remove(mounts: Mounts): Promise<void> {
    const [mounted] = await this.#mounted(mounts);
    if (mounted !== undefined) {
      throw new DaemonError(
        'failed-precondition',
        `${mounted} is still mounted: bundle ${this.path} is kept, unmount it and delete again`,
      );
    }
    await rm(this.path, { recursive: true, force: true });
  }

  async #mounted(mounts: Mounts): Promise<string[]> {
    const points = (await mounts.list()).map(({ mountPoint }) => mountPoint);
    return points.filter((point) => point === this.rootfs || point.startsWith(`${this.path}/`));
  }
}

/** All processes with a folder, inits before their execs. Names that are no ids are left out. */
export async function listBundles(bundlesRoot: string): Promise<readonly ProcessKey[]> {
  const keys: ProcessKey[] = [];
  for (const namespace of await idsIn(bundlesRoot)) {
    for (const containerId of await idsIn(join(bundlesRoot, namespace))) {
      keys.push({ namespace, containerId, execId: '' });
      const bundle = new Bundle(bundlesRoot, namespace, containerId);
      keys.push(...(await bundle.execIds()).map((execId) => ({ namespace, containerId, execId })));
    }
  }
  return keys;
}

async function idsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter(isIdentifier).sort();
}

function isIdentifier(name: string): boolean {
  try {
    checkIdentifier(name, 'name');
    return true;
  } catch {
    return false;
  }
}
