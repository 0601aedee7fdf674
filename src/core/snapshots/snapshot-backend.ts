import type { IdMapping } from '../../spec/id-mapping.js';
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
  /**
   * What a directory holds: `stacked`, only what its own layer brought, in overlay form (a lowest layer in plain form);
   * `whole`, everything, so that `create` starts from a copy of the nearest parent.
   */
  readonly layering: 'stacked' | 'whole';
  /**
   * Makes the directory of a layer or of a snapshot; whole, or not at all. `fs` has mode, owner, times and attributes of the nearest
   * parent's; without parents it is root's, of mode 0755.
   *
   * @param options.parents Nearest first.
   * @param options.mapping Of a snapshot whose mounts show mapped owners.
   */
  create(
    id: number,
    options: {
      readonly writable: boolean;
      readonly parents: readonly number[];
      readonly mapping?: IdMapping | undefined;
    },
  ): Promise<void>;
  /**
   * Only of a stacked backend: makes the layer `to` of the snapshot `from`, which was written to through a mapping, so that it can lie below
   * others: owners become the container's. Reads and writes all its files.
   */
  copyAsContainer?(from: number, to: number, mapping: IdMapping, signal?: AbortSignal): Promise<void>;
  /** Where the files of a layer lie. */
  filesOf(id: number): string;
  /**
   * @param parents Nearest first.
   * @param mapping Owners of all layers below are seen mapped, and a stacked layer's own are the host's.
   */
  mounts(id: number, kind: 'active' | 'view', parents: readonly number[], mapping?: IdMapping): readonly Mount[];
  /** Makes everything below `fs` durable. */
  sync(ids: readonly number[]): Promise<void>;
  usage(id: number, signal?: AbortSignal): Promise<SnapshotUsage>;
  /** Renames out of the way at once, then deletes; already gone is no error. */
  remove(id: number): Promise<void>;
  /** Numbers that have a directory, and leftovers of removals are deleted on the way. */
  inventory(): Promise<readonly number[]>;
}
