import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import { isDirectory, isRegular, isWhiteout } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { OVERLAY_OPAQUE } from '../../core/snapshots/overlay-form.js';
import { ChangeSet, join } from './change-set.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import { containerOwners } from '../../core/snapshots/container-owners.js';
import { entryTypeOf, sameMetadata } from './same-file.js';

const DIRECTORY_FLAGS = OPEN.read | OPEN.directory | OPEN.noFollow;
/** By these overlayfs says that a directory's or a file's content lies elsewhere in the layers below. */
const REDIRECT = 'trusted.overlay.redirect';
const METACOPY = 'trusted.overlay.metacopy';

/**
 * What the upper directory of an overlay changes, as overlayfs keeps it there.
 *
 * @param lower The nearest layer below.
 * @param check Called for every entry; it may throw to stop.
 * @returns Undefined when the directory does not say it alone: only the mounted tree does.
 */
export function upperChanges(
  files: DirectoryFiles,
  {
    upper,
    lower,
    mapping,
  }: { readonly upper: string; readonly lower: string; readonly mapping?: IdMapping | undefined },
  check: () => void,
): ChangeSet | undefined {
  const walk = new UpperWalk(files, check);
  return within(files, files.openDirectory(upper), (root) => {
    within(files, files.openDirectory(lower), (below) => {
      walk.root(root, below, mapping);
    });
    return walk.complete ? walk.changes : undefined;
  });
}

class UpperWalk {
  readonly changes = new ChangeSet();
  complete = true;
  readonly #files: DirectoryFiles;
  readonly #check: () => void;

  constructor(files: DirectoryFiles, check: () => void) {
    this.#files = files;
    this.#check = check;
  }

  root(root: Fd, lower: Fd, mapping: IdMapping | undefined): void {
    const files = this.#files;
    const seen = (dir: Fd) => ({ dir, name: '.', stat: files.statFd(dir) });
    const own = seen(root);
    const described = { ...own, mapping, stat: containerOwners(own.stat, mapping) };
    if (!sameMetadata(files, seen(lower), described)) this.changes.add('', 'present');
    this.#directory(root, '');
  }

  #directory(dir: Fd, path: string): void {
    if (this.#files.getXattr(dir, '.', OVERLAY_OPAQUE.name)?.equals(OVERLAY_OPAQUE.value)) this.changes.addOpaque(path);
    if (path !== '' && this.#files.getXattr(dir, '.', REDIRECT) !== undefined) this.complete = false;
    for (const { name } of this.#files.list(dir)) {
      this.#check();
      if (!this.complete) return;
      this.#entry(dir, name, join(path, name.toString('latin1')));
    }
  }

  #entry(dir: Fd, name: Buffer, path: string): void {
    const stat = this.#files.statIfExists(dir, name);
    if (stat === undefined) return;
    if (isWhiteout(stat)) {
      this.changes.add(path, 'removed');
      return;
    }
    // What a socket replaces is gone for whoever has the layer.
    this.changes.add(path, entryTypeOf(stat) === undefined ? 'removed' : 'present');
    if (isRegular(stat) && this.#files.getXattr(dir, name, METACOPY) !== undefined) this.complete = false;
    if (!isDirectory(stat)) return;
    within(this.#files, this.#files.open(dir, name, DIRECTORY_FLAGS, 0), (child) => {
      this.#directory(child, path);
    });
  }
}

/** Runs `use` with a descriptor and closes it. */
export function within<T>(files: DirectoryFiles, fd: Fd, use: (fd: Fd) => T): T {
  try {
    return use(fd);
  } finally {
    files.close(fd);
  }
}
