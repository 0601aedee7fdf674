import type { Mount } from '../kernel/mounts.js';
import type { SnapshotUsage } from './snapshotter.js';

/**
 * The directories of a snapshotter, by number; kinds, names, parents and namespaces are the metadata's matter. One folder
 * `<root>/snapshots/<id>/` each, with `fs`, and `work` where writable.
 */
export interface SnapshotBackend {
  /** `overlayfs`, `native` … */
  readonly name: string;
  /** `<root>/<name>`. */
  readonly root: string;
  /** Makes the directory of a layer or of a snapshot. `fs` has mode 0755 until a layer's own `/` says otherwise. */
  create(id: number, options: { readonly writable: boolean; readonly parents: readonly number[] }): Promise<void>;
  /** Where the files of a layer lie. */
  filesOf(id: number): string;
  /** @param parents Nearest first. */
  mounts(id: number, kind: 'active' | 'view', parents: readonly number[]): readonly Mount[];
  /** Makes everything below `fs` durable. */
  sync(ids: readonly number[]): Promise<void>;
  usage(id: number, signal?: AbortSignal): Promise<SnapshotUsage>;
  /** Renames out of the way at once, then deletes; already gone is no error. */
  remove(id: number): Promise<void>;
  /** Numbers that have a directory, and leftovers of removals are deleted on the way. */
  inventory(): Promise<readonly number[]>;
}
