import type { ApplyLayerTask } from '../core/diff/layer-tasks.js';
import { applyLayer } from '../drivers/diff-tar/apply-layer.js';
import { serveTasks, type TaskWatch } from '../drivers/worker-pool/serve-tasks.js';
import { createDirectoryFiles } from '../sys/directory-files.js';
import { createPrograms } from '../sys/programs.js';

/** The second composition root: what runs in worker threads, on real system calls. */
const kernel = { files: createDirectoryFiles(), programs: createPrograms() };

serveTasks({
  'apply-layer': (task: ApplyLayerTask, watch: TaskWatch) => applyLayer(kernel, task.request, watch),
});
