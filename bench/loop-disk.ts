import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { output } from '../test/support/run.js';
import { tempDir } from '../test/support/temp-dir.js';

/** A fresh journaled ext4 in a loop file, so that the machine's own disk is not what is measured. */
export interface LoopDisk extends AsyncDisposable {
  readonly path: string;
}

/** Makes a fresh file system of so many bytes. */
export type OpenDisk = (sizeBytes: number) => Promise<LoopDisk>;

/** Makes and mounts it. @param sizeBytes Of the sparse backing file. */
export function openLoopDisk(sizeBytes: number): Promise<LoopDisk> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir(undefined, 'wharfd-bench-disk-'));
    const image = join(home.path, 'disk.img');
    const file = await open(image, 'w');
    await file.truncate(sizeBytes);
    await file.close();
    await output('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
    const path = join(home.path, 'mnt');
    await mkdir(path);
    await output('mount', ['-o', 'loop', image, path]);
    down.add(async () => {
      await output('umount', [path]);
    });
    return { path, [Symbol.asyncDispose]: () => down.run() };
  });
}
