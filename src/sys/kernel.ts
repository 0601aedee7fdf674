import type { Kernel } from '../core/kernel/kernel.js';
import { createChecksums } from './checksums.js';
import { createDescriptors } from './descriptors.js';
import { createDirectoryFiles } from './directory-files.js';
import { createDisks } from './disks.js';
import { createMemory } from './memory.js';
import { createMounts } from './mounts.js';
import { createProcesses } from './processes.js';
import { createPrograms } from './programs.js';

/** All ports of the kernel by real system calls. @throws failed-precondition: the addon was not built. */
export function createKernel(): Kernel {
  return {
    mounts: createMounts(),
    files: createDirectoryFiles(),
    processes: createProcesses(),
    programs: createPrograms(),
    descriptors: createDescriptors(),
    disks: createDisks(),
    memory: createMemory(),
    checksums: createChecksums(),
  };
}
