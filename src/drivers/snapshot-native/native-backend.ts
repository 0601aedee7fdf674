import type { CopyTreeTask } from '../../core/diff/layer-tasks.js';
import type { WorkerPool } from '../../core/diff/worker-pool.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import type { Disks } from '../../core/kernel/disks.js';
import { mappingOptions } from '../../core/kernel/mount-mapping.js';
import { describePlainly } from '../../core/snapshots/root-attributes.js';
import type { SnapshotBackend } from '../../core/snapshots/snapshot-backend.js';
import { SnapshotDirectories } from '../../core/snapshots/snapshot-directories.js';

/** What the backend needs; `root` is the folder of its own, such as `<root>/native`. */
export interface NativeBackendParts {
  readonly root: string;
  readonly pool: WorkerPool;
  readonly files: DirectoryFiles;
  readonly disks: Disks;
}

/** Snapshots as plain copies of their parents, for where overlayfs is not to be had. */
export async function openNativeBackend(parts: NativeBackendParts): Promise<SnapshotBackend> {
  const { files, disks, pool } = parts;
  const directories = await SnapshotDirectories.open(parts.root, pool);
  return {
    name: 'native',
    root: parts.root,
    layering: 'whole',
    async create(id, { parents }) {
      await directories.create(id, { work: false }, async (fs) => {
        const [nearest] = parents;
        if (nearest === undefined) {
          describePlainly(files, fs);
          return;
        }
        const task: CopyTreeTask = { kind: 'copy-tree', from: directories.filesOf(nearest), to: fs };
        await pool.run(task);
      });
    },
    filesOf: (id) => directories.filesOf(id),
    mounts: (id, kind, _parents, mapping) => {
      const options = [...(mapping ? mappingOptions(mapping) : []), kind === 'view' ? 'ro' : 'rw', 'rbind'];
      return [{ type: 'bind', source: directories.filesOf(id), options }];
    },
    sync: async (ids) => {
      if (ids.length > 0) await disks.sync(parts.root);
    },
    usage: (id, signal) => directories.usage(id, signal),
    remove: (id) => directories.remove(id),
    inventory: () => directories.inventory(),
  };
}
