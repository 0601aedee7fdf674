import type { Memory } from '../core/kernel/memory.js';
import { addon } from './addon.js';
import { check } from './outcome.js';

export function createMemory(): Memory {
  return {
    releaseUnused() {
      check('collect', 'this process', addon().collectAll());
      check('malloc_trim', 'this process', addon().trimAllocator());
      check('madvise', 'this process', addon().unmapCode());
    },
  };
}
