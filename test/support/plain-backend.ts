import { lstat, mkdir, opendir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '../../src/core/kernel/mounts.js';
import type { SnapshotBackend } from '../../src/core/snapshots/snapshot-backend.js';
import type { SnapshotUsage } from '../../src/core/snapshots/snapshotter.js';

/** A backend of plain directories that mounts nothing and needs no privilege: for tests of what is built on a backend. */
export class PlainBackend implements SnapshotBackend {
  readonly name: string;
  readonly root: string;
  readonly layering = 'stacked';
  /** Numbers that were synced, in order. */
  readonly synced: number[] = [];

  private constructor(root: string, name: string) {
    this.root = join(root, name);
    this.name = name;
  }

  static async open(root: string, name = 'plain'): Promise<PlainBackend> {
    const backend = new PlainBackend(root, name);
    await mkdir(join(backend.root, 'snapshots'), { recursive: true });
    return backend;
  }

  async create(
    id: number,
    options: { readonly writable: boolean; readonly parents: readonly number[] },
  ): Promise<void> {
    for (const parent of options.parents) await lstat(this.filesOf(parent));
    await mkdir(this.filesOf(id), { recursive: true });
  }

  filesOf(id: number): string {
    return join(this.root, 'snapshots', String(id), 'fs');
  }

  mounts(id: number, kind: 'active' | 'view', parents: readonly number[]): readonly Mount[] {
    const nearest = parents[0];
    const source = this.filesOf(kind === 'view' && nearest !== undefined ? nearest : id);
    return [{ type: 'bind', source, options: [kind === 'view' ? 'ro' : 'rw', 'rbind'] }];
  }

  sync(ids: readonly number[]): Promise<void> {
    this.synced.push(...ids);
    return Promise.resolve();
  }

  async usage(id: number): Promise<SnapshotUsage> {
    let [size, inodes] = [0, 1];
    for await (const entry of await opendir(this.filesOf(id), { recursive: true })) {
      size += (await lstat(join(entry.parentPath, entry.name))).size;
      inodes += 1;
    }
    return { size, inodes };
  }

  async remove(id: number): Promise<void> {
    const folder = join(this.root, 'snapshots', String(id));
    await rename(folder, `${folder}.removed`).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    });
    await rm(`${folder}.removed`, { recursive: true, force: true });
  }

  async inventory(): Promise<readonly number[]> {
    const names = await readdir(join(this.root, 'snapshots'));
    for (const name of names.filter((each) => each.endsWith('.removed'))) {
      await rm(join(this.root, 'snapshots', name), { recursive: true });
    }
    return names.filter((name) => /^\d+$/.test(name)).map(Number);
  }
}
