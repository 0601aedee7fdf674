import type { Checksums } from './checksums.js';
import type { Descriptors } from './descriptors.js';
import type { DirectoryFiles } from './directory-files.js';
import type { Disks } from './disks.js';
import type { Memory } from './memory.js';
import type { Mounts } from './mounts.js';
import type { Processes } from './processes.js';
import type { Programs } from './programs.js';

/** All that wharfd asks of the operating system beyond what Node offers. Take only the part that you need. */
export interface Kernel {
  readonly mounts: Mounts;
  readonly files: DirectoryFiles;
  readonly processes: Processes;
  readonly programs: Programs;
  readonly descriptors: Descriptors;
  readonly disks: Disks;
  readonly memory: Memory;
  readonly checksums: Checksums;
}
