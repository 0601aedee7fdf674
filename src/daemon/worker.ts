import type {
  ApplyLayerTask,
  CopyTreeTask,
  DiffLayerTask,
  ListChangesTask,
  MeasureTreeTask,
  RemoveTreeTask,
  TieLayerTask,
} from '../core/diff/layer-tasks.js';
import type { TakeInventoryTask } from '../core/fsck/inventory-file.js';
import { checkTree, hashFile, takeInventory, type CheckTreeTask, type HashFileTask } from '../core/fsck/tree-tasks.js';
import { tieLayer } from '../core/rootfs/tie-layer.js';
import { measureTree } from '../core/snapshots/measure-tree.js';
import { applyLayer } from '../drivers/diff-tar/apply-layer.js';
import { diffLayer, listChanges } from '../drivers/diff-tar/diff-layer.js';
import type { MarkTask } from '../drivers/metadata-sqlite/marking.js';
import { copyTree } from '../drivers/snapshot-native/copy-tree.js';
import { serveTasks, type TaskWatch } from '../drivers/worker-pool/serve-tasks.js';
import type { PackTreeTask, UnpackTreeTask } from '../core/execution/copy-tasks.js';
import { packTree } from '../drivers/diff-tar/pack-tree.js';
import { unpackTree } from '../drivers/diff-tar/unpack-tree.js';
import { createKernel } from '../sys/kernel.js';

/** The second composition root: what runs in worker threads, on real system calls. */
const kernel = createKernel();

serveTasks({
  'apply-layer': (task: ApplyLayerTask, watch: TaskWatch) => applyLayer(kernel, task.request, watch),
  'tie-layer': (task: TieLayerTask, watch: TaskWatch) => tieLayer(kernel.files, task, () => watch.check()),
  'diff-layer': (task: DiffLayerTask, watch: TaskWatch) => diffLayer(kernel, task.request, () => watch.check()),
  'list-changes': (task: ListChangesTask, watch: TaskWatch) =>
    listChanges(kernel.files, task.sides, () => watch.check()),
  // Only the thread that marks loads a database.
  'mark-unreachable': async (task: MarkTask) =>
    (await import('../drivers/metadata-sqlite/marking.js')).markOnView(task),
  'take-inventory': (task: TakeInventoryTask, watch: TaskWatch) => {
    takeInventory(kernel.files, task, () => watch.check());
  },
  'check-tree': (task: CheckTreeTask, watch: TaskWatch) => checkTree(kernel.files, task, () => watch.check()),
  'hash-file': (task: HashFileTask, watch: TaskWatch) => hashFile(task, () => watch.check()),
  'copy-tree': (task: CopyTreeTask, watch: TaskWatch) => {
    copyTree(kernel, task, () => watch.check());
  },
  'measure-tree': (task: MeasureTreeTask, watch: TaskWatch) =>
    measureTree(kernel.files, task.directory, () => watch.check()),
  'pack-tree': (task: PackTreeTask, watch: TaskWatch) => {
    packTree(kernel.files, task, () => watch.check());
  },
  'unpack-tree': (task: UnpackTreeTask, watch: TaskWatch) => {
    unpackTree(kernel.files, task, () => watch.check());
  },
  'remove-tree': (task: RemoveTreeTask) => {
    const parent = kernel.files.openDirectory(task.parent);
    try {
      kernel.files.removeTree(parent, task.name);
    } finally {
      kernel.files.close(parent);
    }
  },
});
