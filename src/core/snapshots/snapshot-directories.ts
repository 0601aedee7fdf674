import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync } from 'node:fs';
import { chmod, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { MeasureTreeTask, RemoveTreeTask } from '../diff/layer-tasks.js';
import type { WorkerPool } from '../diff/worker-pool.js';
import type { SnapshotUsage } from './snapshotter.js';

const NEW = 'new-';
const REMOVED = 'rm-';
const NUMBER = /^[1-9]\d*$/;

/** The folders `<root>/snapshots/<id>` of a backend: made whole or not at all, and removed by a rename first. */
export class SnapshotDirectories {
  readonly root: string;
  readonly #pool: WorkerPool;
  readonly #snapshots: string;

  private constructor(root: string, pool: WorkerPool) {
    this.root = root;
    this.#pool = pool;
    this.#snapshots = join(root, 'snapshots');
  }

  /** Nobody but root gets into them, whatever the modes of the files inside. */
  static async open(root: string, pool: WorkerPool): Promise<SnapshotDirectories> {
    const snapshots = join(root, 'snapshots');
    await mkdir(snapshots, { recursive: true, mode: 0o700 });
    await chmod(snapshots, 0o700);
    return new SnapshotDirectories(root, pool);
  }

  /** Where the files of one lie. */
  filesOf(id: number): string {
    return join(this.#snapshots, String(id), 'fs');
  }

  /** Where overlayfs keeps what it is working on. */
  workOf(id: number): string {
    return join(this.#snapshots, String(id), 'work');
  }

  /**
   * Makes the folder with an empty `fs` and lets `fill` complete it before it gets its name.
   *
   * @param fill Gets the path of `fs`.
   */
  async create(id: number, parts: { readonly work: boolean }, fill: (fs: string) => Promise<void>): Promise<void> {
    const temporary = `${NEW}${id}-${randomBytes(6).toString('hex')}`;
    const path = join(this.#snapshots, temporary);
    try {
      // At once: a transaction with a flush follows, beside which this is nothing, and each turn of the thread pool takes longer.
      mkdirSync(path, { mode: 0o700 });
      mkdirSync(join(path, 'fs'));
      chmodSync(join(path, 'fs'), 0o755);
      if (parts.work) mkdirSync(join(path, 'work'), { mode: 0o711 });
      await fill(join(path, 'fs'));
      renameSync(path, join(this.#snapshots, String(id)));
      faultPoint('the directory of a snapshot has its name');
    } catch (cause) {
      await this.#delete(temporary);
      throw cause;
    }
  }

  async usage(id: number, signal?: AbortSignal): Promise<SnapshotUsage> {
    const task: MeasureTreeTask = { kind: 'measure-tree', directory: this.filesOf(id) };
    return await this.#pool.run<SnapshotUsage>(task, signal ? { signal } : {});
  }

  async remove(id: number): Promise<void> {
    const name = `${REMOVED}${id}-${randomBytes(6).toString('hex')}`;
    try {
      await rename(join(this.#snapshots, String(id)), join(this.#snapshots, name));
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return;
      throw cause;
    }
    faultPoint('the directory of a snapshot is out of the way');
    await this.#delete(name);
  }

  async inventory(): Promise<readonly number[]> {
    const names = await readdir(this.#snapshots);
    for (const name of names) if (name.startsWith(NEW) || name.startsWith(REMOVED)) await this.#delete(name);
    return names.filter((name) => NUMBER.test(name)).map(Number);
  }

  async #delete(name: string): Promise<void> {
    const task: RemoveTreeTask = { kind: 'remove-tree', parent: this.#snapshots, name };
    await this.#pool.run(task);
    faultPoint('a directory is removed');
  }
}
