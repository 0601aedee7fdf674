import type { DirectoryFiles, Fd } from '../kernel/directory-files.js';
import { isDirectory } from '../kernel/file-type.js';
import { OPEN } from '../kernel/open-flags.js';
import type { SnapshotUsage } from './snapshotter.js';

const BLOCK_BYTES = 512;

/**
 * Bytes on disk and inodes of a tree, its top included; a file with several names counts once.
 *
 * @param check Called for every entry; it may throw to stop.
 */
export function measureTree(files: DirectoryFiles, directory: string, check: () => void): SnapshotUsage {
  const seen = new Set<bigint>();
  let size = 0;
  let inodes = 0;
  const visit = (dir: Fd): void => {
    size += files.statFd(dir).blocks * BLOCK_BYTES;
    inodes += 1;
    for (const { name } of files.list(dir)) {
      check();
      const stat = files.stat(dir, name);
      if (isDirectory(stat)) {
        within(files, files.open(dir, name, OPEN.read | OPEN.directory | OPEN.noFollow, 0), visit);
        continue;
      }
      if (stat.nlink > 1) {
        if (seen.has(stat.ino)) continue;
        seen.add(stat.ino);
      }
      size += stat.blocks * BLOCK_BYTES;
      inodes += 1;
    }
  };
  within(files, files.openDirectory(directory), visit);
  return { size, inodes };
}

function within(files: DirectoryFiles, fd: Fd, visit: (fd: Fd) => void): void {
  try {
    visit(fd);
  } finally {
    files.close(fd);
  }
}
