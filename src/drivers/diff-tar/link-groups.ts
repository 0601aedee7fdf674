import type { FileStat } from '../../core/kernel/directory-files.js';
import type { ChangeSet } from './change-set.js';

interface Names {
  readonly paths: string[];
  /** Inode on the other side of each name that did not change. */
  readonly others: Set<bigint>;
  /** A name is new or different. */
  changed: boolean;
}

/**
 * Which names are one file, on both sides. Where that differs, all names of a file belong to the change, as a hard link can only be made
 * to a file that the same layer has.
 */
export class LinkGroups {
  readonly #right = new Map<bigint, Names>();
  readonly #left = new Map<bigint, Names>();

  /** @param left What the name was before, if it did not change. */
  add(path: string, left: FileStat | undefined, right: FileStat): void {
    if (right.nlink < 2 && (left?.nlink ?? 1) < 2) return;
    note(this.#right, path, right.ino, left?.ino);
    if (left !== undefined) note(this.#left, path, left.ino, right.ino);
  }

  /** Adds the names of every file whose names are not the same ones any more. */
  addChanged(changes: ChangeSet): void {
    const broken = new Set<bigint>();
    for (const { others } of this.#left.values()) if (others.size > 1) for (const inode of others) broken.add(inode);
    for (const [inode, { paths, others, changed }] of this.#right) {
      const apart = broken.has(inode) || others.size > 1 || (changed && paths.length > 1);
      if (apart) for (const path of paths) changes.add(path, 'present');
    }
  }
}

function note(groups: Map<bigint, Names>, path: string, inode: bigint, other: bigint | undefined): void {
  let names = groups.get(inode);
  if (names === undefined) groups.set(inode, (names = { paths: [], others: new Set(), changed: false }));
  names.paths.push(path);
  if (other === undefined) names.changed = true;
  else names.others.add(other);
}
