import { realpath } from 'node:fs/promises';
import type { Kernel } from '../core/kernel/kernel.js';
import type { Space } from '../core/transfer/free-space.js';

/** What may still be written below `path`, an existing directory, and the mount point of its file system. */
export async function spaceAt(kernel: Kernel, path: string): Promise<Space> {
  const [{ availableBytes }, real, mounts] = await Promise.all([
    kernel.disks.stat(path),
    realpath(path),
    kernel.mounts.list(),
  ]);
  let fileSystem = '/';
  for (const { mountPoint } of mounts) {
    const holds = real === mountPoint || real.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
    if (holds && mountPoint.length >= fileSystem.length) fileSystem = mountPoint;
  }
  return { fileSystem, bytes: availableBytes };
}
