import { isThere } from '../../base/directory.js';
import type { CopyTreeTask } from '../../core/diff/layer-tasks.js';
import type { WorkerPool } from '../../core/diff/worker-pool.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import type { Disks } from '../../core/kernel/disks.js';
import { mappingOptions } from '../../core/kernel/mount-mapping.js';
import type { Mount } from '../../core/kernel/mounts.js';
import { copyDirectoryAttributes, describePlainly, giveToHost } from '../../core/snapshots/root-attributes.js';
import type { SnapshotBackend } from '../../core/snapshots/snapshot-backend.js';
import { SnapshotDirectories } from '../../core/snapshots/snapshot-directories.js';
import type { IdMapping } from '../../spec/id-mapping.js';

/** What the backend needs; `root` is the folder of its own, such as `<root>/overlayfs`. */
export interface OverlayBackendParts {
  readonly root: string;
  readonly pool: WorkerPool;
  readonly files: DirectoryFiles;
  readonly disks: Disks;
}

/** There only where the kernel knows the option; without `index=off` an upper directory could not change its lower ones. */
const INDEX_PARAMETER = '/sys/module/overlay/parameters/index';

/** Snapshots as directories that overlayfs stacks. */
export async function openOverlayBackend(parts: OverlayBackendParts): Promise<SnapshotBackend> {
  const { files, disks } = parts;
  const directories = await SnapshotDirectories.open(parts.root, parts.pool);
  const options = (await isThere(INDEX_PARAMETER)) ? ['index=off'] : [];
  return {
    name: 'overlayfs',
    root: parts.root,
    layering: 'stacked',
    async create(id, { writable, parents, mapping }) {
      await directories.create(id, { work: writable }, (fs) => {
        const [nearest] = parents;
        if (nearest === undefined) describePlainly(files, fs);
        else copyDirectoryAttributes(files, directories.filesOf(nearest), fs);
        if (nearest !== undefined && mapping) giveRootToHost(files, fs, mapping);
        return Promise.resolve();
      });
    },
    async copyAsContainer(from, to, mapping, signal) {
      await directories.create(to, { work: false }, async (fs) => {
        const task: CopyTreeTask = { kind: 'copy-tree', from: directories.filesOf(from), to: fs, mapping };
        await parts.pool.run(task, signal ? { signal } : {});
      });
    },
    filesOf: (id) => directories.filesOf(id),
    mounts: (id, kind, parents, mapping) => {
      const mount = mountOf(directories, options, id, kind, parents);
      return [mapping ? { ...mount, options: [...mappingOptions(mapping), ...mount.options] } : mount];
    },
    sync: async (ids) => {
      if (ids.length > 0) await disks.sync(parts.root);
    },
    usage: (id, signal) => directories.usage(id, signal),
    remove: (id) => directories.remove(id),
    inventory: () => directories.inventory(),
  };
}

function mountOf(
  directories: SnapshotDirectories,
  fixed: readonly string[],
  id: number,
  kind: 'active' | 'view',
  parents: readonly number[],
): Mount {
  const [nearest, ...further] = parents;
  if (nearest === undefined) return bind(directories.filesOf(id), kind === 'view' ? 'ro' : 'rw');
  if (kind === 'view' && further.length === 0) return bind(directories.filesOf(nearest), 'ro');
  const lower = `lowerdir=${parents.map((parent) => directories.filesOf(parent)).join(':')}`;
  const upper = kind === 'view' ? [] : [`workdir=${directories.workOf(id)}`, `upperdir=${directories.filesOf(id)}`];
  return { type: 'overlay', source: 'overlay', options: [...fixed, ...upper, lower] };
}

/** An upper directory is not seen mapped: overlayfs writes there what the host sees. */
function giveRootToHost(files: DirectoryFiles, path: string, mapping: IdMapping): void {
  const directory = files.openDirectory(path);
  try {
    giveToHost(files, { dir: directory, name: '.' }, mapping);
  } finally {
    files.close(directory);
  }
}

function bind(source: string, access: 'ro' | 'rw'): Mount {
  return { type: 'bind', source, options: [access, 'rbind'] };
}
