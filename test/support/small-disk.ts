import { rm, mkdir, open, rename, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../src/base/errors.js';
import { Teardown } from '../../src/base/teardown.js';
import { unmountBelow } from './mount-table.js';
import { output } from './run.js';
import { tempDir } from './temp-dir.js';

/** A small ext4 of its own, in a file. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** The file that it lies in. */
  readonly file: string;
  freeBytes(): Promise<number>;
  /** Takes all that is left, for `drain` to give back. */
  fill(): Promise<void>;
  drain(): Promise<void>;
  /** Goes back to what the device held at this moment, as after a power cut: what was only in memory is gone. */
  cutPower(): Promise<void>;
}

/** Makes and mounts an ext4 without blocks that only root may use. Disposing unmounts and removes it. @param options Of mkfs.ext4. */
export function openSmallDisk(bytes: number, options: readonly string[] = []): Promise<SmallDisk> {
  return Teardown.build(async (down) => {
    const { path: dir } = down.own(await tempDir(undefined, 'wharfd-disk-'));
    const [file, path] = [join(dir, 'disk'), join(dir, 'mounted')];
    await writeFile(file, '');
    await truncate(file, bytes);
    await mkdir(path);
    await output('mkfs.ext4', ['-q', '-m', '0', ...options, file]);
    await output('mount', ['-o', 'loop', file, path]);
    down.add(async () => {
      await output('umount', [path]);
    });
    const filler = join(path, 'filler');
    return {
      path,
      file,
      freeBytes: async () => {
        const { bavail, bsize } = await statfs(path);
        return bavail * bsize;
      },
      fill: () => fillUp(filler),
      cutPower: async () => {
        await output('cp', ['--sparse=always', file, `${file}.cut`]);
        await unmountBelow(path);
        await output('mount', ['-o', 'loop', `${file}.cut`, path]);
        await rename(`${file}.cut`, file);
      },
      drain: () => rm(filler, { force: true }),
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

async function fillUp(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (const size of [1 << 20, 1 << 14, 1 << 12]) await writeUntilFull(() => file.write(Buffer.alloc(size, 'x')));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeUntilFull(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write();
    } catch (error) {
      if (isErrno(error, 'ENOSPC')) return;
      throw error;
    }
  }
}
