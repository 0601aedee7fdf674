import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { ProcessKey, RuntimeOptions } from '../../core/execution/runtime.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
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

/**
 * The folder of one container: `config.json`, `rootfs`, `work` and what we keep besides. It is small and lies in memory (docs/daemon.md,
 * `state`), so that its files are read and written at once: turns of the thread pool would take ten times as long.
 */
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
  create(spec: Uint8Array, runtime: RecordedRuntime): void {
    makeNew(this.path, `bundle of container ${this.containerId}`, 0o711);
    const group = mappedRootGroup(spec);
    if (group !== undefined) {
      chownSync(this.path, 0, group);
      chmodSync(this.path, 0o710);
    }
    mkdirSync(this.rootfs, { mode: 0o711 });
    mkdirSync(this.processDir(''), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.path, 'config.json'), spec, { mode: 0o600 });
    writeFileSync(join(this.path, 'options.json'), JSON.stringify(runtime), { mode: 0o600 });
    writeFileSync(join(this.path, 'runtime'), runtime.binary, { mode: 0o600 });
  }

  /** Undefined when there is no bundle, or one that was never finished. */
  recordedRuntime(): RecordedRuntime | undefined {
    try {
      return JSON.parse(readFileSync(join(this.path, 'options.json'), 'utf8')) as RecordedRuntime;
    } catch (cause) {
      if (isErrno(cause, 'ENOENT') || cause instanceof SyntaxError) return undefined;
      throw cause;
    }
  }

  /** @throws already-exists: the process has one. */
  makeProcessDir(execId: string): string {
    const dir = this.processDir(execId);
    makeNew(dir, `process ${execId} of container ${this.containerId}`, 0o700);
    return dir;
  }

  removeProcessDir(execId: string): void {
    rmSync(this.processDir(execId), { recursive: true, force: true });
  }

  /** Exec ids that have a folder. */
  execIds(): readonly string[] {
    return idsIn(join(this.work, 'execs'));
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

  /** Removes the folder. @throws failed-precondition: something is mounted in it still, and the removal would go through into a snapshot. */
  remove(files: Pick<DirectoryFiles, 'openDirectory' | 'removeTree' | 'close'>): void {
    if (!existsSync(this.path)) return;
    const above = files.openDirectory(join(this.path, '..'));
    try {
      files.removeTree(above, this.containerId);
    } catch (cause) {
      if (!isErrno(cause, 'EXDEV') && !isErrno(cause, 'EBUSY')) throw cause;
      const why = `something is still mounted in it: bundle ${this.path} is kept, unmount it and delete again`;
      throw new DaemonError('failed-precondition', why, { cause });
    } finally {
      files.close(above);
    }
  }

  async #mounted(mounts: Mounts): Promise<string[]> {
    const points = (await mounts.list()).map(({ mountPoint }) => mountPoint);
    return points.filter((point) => point === this.rootfs || point.startsWith(`${this.path}/`));
  }
}

/** All processes with a folder, inits before their execs. Names that are no ids are left out. */
export function listBundles(bundlesRoot: string): readonly ProcessKey[] {
  const keys: ProcessKey[] = [];
  for (const namespace of idsIn(bundlesRoot)) {
    for (const containerId of idsIn(join(bundlesRoot, namespace))) {
      keys.push({ namespace, containerId, execId: '' });
      const bundle = new Bundle(bundlesRoot, namespace, containerId);
      keys.push(...bundle.execIds().map((execId) => ({ namespace, containerId, execId })));
    }
  }
  return keys;
}

/** Makes a directory, and those above it with the mode given. @param what First words of the error. @throws already-exists. */
function makeNew(path: string, what: string, modeAbove: number): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: modeAbove });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    if (!isErrno(cause, 'EEXIST')) throw cause;
    throw new DaemonError('already-exists', `${what}: already exists`, { cause });
  }
}

function idsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isIdentifier).sort();
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return [];
    throw cause;
  }
}

function isIdentifier(name: string): boolean {
  try {
    checkIdentifier(name, 'name');
    return true;
  } catch {
    return false;
  }
}
