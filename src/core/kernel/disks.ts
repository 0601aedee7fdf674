import type { Fd } from './directory-files.js';

/** State of the file system that holds a path. */
export interface FileSystemStat {
  /** Magic number of statfs(2), such as 0xef53 for ext4. */
  readonly type: number;
  readonly totalBytes: number;
  /** Bytes that an ordinary user may still write. */
  readonly availableBytes: number;
  readonly totalInodes: number;
  /** 0 of 0 where the file system makes them as needed. */
  readonly freeInodes: number;
}

/** What concerns a whole file system. Throws SyscallError. */
export interface Disks {
  stat(path: string): Promise<FileSystemStat>;
  /** Writes all of the file system that holds `path` to the disk, outside of the event loop's thread. */
  sync(path: string): Promise<void>;
  /**
   * Copies a file's whole content into an empty file of the same size, sharing blocks where the file system can (FICLONE),
   * else inside of the kernel (copy_file_range), holes kept.
   */
  copyContent(from: Fd, to: Fd): void;
}
