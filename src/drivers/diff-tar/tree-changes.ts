import type { DirectoryFiles, Fd, FileStat } from '../../core/kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { containerOwners } from '../../core/snapshots/container-owners.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import { ChangeSet, join } from './change-set.js';
import { LinkGroups } from './link-groups.js';
import { entryTypeOf, sameFile, sameMetadata, type Seen } from './same-file.js';
import { within } from './upper-changes.js';

const DIRECTORY_FLAGS = OPEN.read | OPEN.directory | OPEN.noFollow;

/**
 * In what one whole tree differs from another; the directories above each change belong to it.
 *
 * @param sides Directories as they are seen; without `left` everything is new. With a mapping the right one's owners are the host's.
 * @param check Called for every entry; it may throw to stop.
 */
export function treeChanges(
  files: DirectoryFiles,
  {
    left,
    right,
    mapping,
  }: { readonly left: string | undefined; readonly right: string; readonly mapping?: IdMapping | undefined },
  check: () => void,
): ChangeSet {
  const walk = new DoubleWalk(files, mapping, check);
  within(files, files.openDirectory(right), (b) => {
    if (left === undefined) walk.root(undefined, b);
    else {
      within(files, files.openDirectory(left), (a) => {
        walk.root(a, b);
      });
    }
  });
  walk.links.addChanged(walk.changes);
  walk.changes.addParents();
  return walk.changes;
}

/** One name on both sides. */
interface Pair {
  readonly name: Buffer;
  readonly path: string;
}

class DoubleWalk {
  readonly changes = new ChangeSet();
  readonly links = new LinkGroups();
  readonly #files: DirectoryFiles;
  readonly #mapping: IdMapping | undefined;
  readonly #check: () => void;

  constructor(files: DirectoryFiles, mapping: IdMapping | undefined, check: () => void) {
    this.#files = files;
    this.#mapping = mapping;
    this.#check = check;
  }

  root(left: Fd | undefined, right: Fd): void {
    const files = this.#files;
    const seen = (dir: Fd) => ({ dir, name: '.', stat: files.statFd(dir) });
    if (left === undefined || !sameMetadata(files, seen(left), this.#translated(seen(right))))
      this.changes.add('', 'present');
    this.#directory(left, right, '');
  }

  #translated(seen: Seen): Seen {
    return { ...seen, mapping: this.#mapping, stat: containerOwners(seen.stat, this.#mapping) };
  }

  #directory(left: Fd | undefined, right: Fd | undefined, path: string): void {
    const names = new Map<string, Buffer>();
    for (const dir of [left, right]) {
      if (dir !== undefined) for (const { name } of this.#files.list(dir)) names.set(name.toString('latin1'), name);
    }
    for (const [key, name] of names) {
      this.#check();
      this.#compare(left, right, { name, path: join(path, key) });
    }
  }

  #compare(left: Fd | undefined, right: Fd | undefined, pair: Pair): void {
    const a = this.#look(left, pair.name);
    const found = this.#look(right, pair.name);
    const b = found && containerOwners(found, this.#mapping);
    if (b === undefined || right === undefined) {
      if (a !== undefined) this.changes.add(pair.path, 'removed');
      return;
    }
    const changed = a === undefined || left === undefined || !this.#isSame(left, a, right, b, pair.name);
    if (changed) this.changes.add(pair.path, 'present');
    if (isDirectory(b)) {
      const below = a !== undefined && isDirectory(a) ? left : undefined;
      this.#descend(below, right, pair);
    } else this.links.add(pair.path, changed ? undefined : a, b);
  }

  #isSame(left: Fd, a: FileStat, right: Fd, b: FileStat, name: Buffer): boolean {
    const sides = [
      { dir: left, name, stat: a },
      { dir: right, name, stat: b, mapping: this.#mapping },
    ] as const;
    return isDirectory(b) ? sameMetadata(this.#files, ...sides) : sameFile(this.#files, ...sides);
  }

  #descend(left: Fd | undefined, right: Fd, { name, path }: Pair): void {
    const files = this.#files;
    within(files, files.open(right, name, DIRECTORY_FLAGS, 0), (b) => {
      if (left === undefined) this.#directory(undefined, b, path);
      else {
        within(files, files.open(left, name, DIRECTORY_FLAGS, 0), (a) => {
          this.#directory(a, b, path);
        });
      }
    });
  }

  /** Sockets, and what overlayfs takes for a deletion, are in no layer. */
  #look(dir: Fd | undefined, name: Buffer): FileStat | undefined {
    const stat = dir === undefined ? undefined : this.#files.statIfExists(dir, name);
    return stat === undefined || entryTypeOf(stat) === undefined || isWhiteout(stat) ? undefined : stat;
  }
}
