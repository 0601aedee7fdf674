import type { Applied, Applier, ApplyProgress } from './applier.js';
import { reviveDeferred, type ApplyLayerTask } from './layer-tasks.js';
import type { WorkerPool } from './worker-pool.js';

/** Applies layers on the threads of `pool`, whose file answers `apply-layer`. */
export function pooledApplier(pool: WorkerPool): Applier {
  return {
    async apply({ onProgress, signal, ...request }) {
      const task: ApplyLayerTask = { kind: 'apply-layer', request };
      const applied = await pool.run<Applied>(task, {
        ...(onProgress ? { onProgress: (progress) => onProgress(progress as ApplyProgress) } : {}),
        ...(signal ? { signal } : {}),
      });
      return { ...applied, deferred: reviveDeferred(applied.deferred) };
    },
  };
}
