import type { Memory } from '../core/kernel/memory.js';
import { addon } from './addon.js';
import { check, checkBytes } from './outcome.js';

export function createMemory(): Memory {
  return {
    releaseUnused() {
      check('collect', 'this process', addon().collectAll());
      check('malloc_trim', 'this process', addon().trimAllocator());
      this.releaseCode();
    },
    releaseCode() {
      check('madvise', 'this process', addon().unmapCode());
    },
    share(sizeBytes) {
      const native = addon();
      const fd = check('memfd_create', sizeBytes, native.createShared(sizeBytes));
      try {
        const bytes = checkBytes('mmap', sizeBytes, native.mapShared(fd, sizeBytes));
        return {
          fd,
          bytes,
          [Symbol.dispose]() {
            native.detach(bytes);
            native.close(fd);
          },
        };
      } catch (cause) {
        native.close(fd);
        throw cause;
      }
    },
  };
}
