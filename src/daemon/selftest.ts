import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pooledApplier } from '../core/diff/pooled-applier.js';
import type { WorkerPool } from '../core/diff/worker-pool.js';
import type { Kernel } from '../core/kernel/kernel.js';
import type { Selftest } from '../core/selftest/selftest.js';
import { runAttacks } from '../selftest/hostile.js';

/** Attacks below the daemon's own root, on its own workers. What a run that was killed has left is removed first. */
export async function openSelftest(root: string, kernel: Kernel, pool: WorkerPool): Promise<Selftest> {
  const scratch = join(root, 'selftest');
  await rm(scratch, { recursive: true, force: true });
  const applier = pooledApplier(pool);
  return {
    hostile: (signal) => runAttacks({ applier, files: kernel.files, scratch: join(scratch, randomUUID()) }, { signal }),
  };
}
