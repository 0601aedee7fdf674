import { DaemonError } from '../../base/errors.js';

/** What a worker's heap has room for. */
const CHANGES_MAX = 2_000_000;

/** What became of one path: it is there now, new or different, or it is gone. */
export type ChangeKind = 'present' | 'removed';

export interface PathChange {
  /** Latin1 text of the raw bytes, without a leading slash; empty for the root. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** A directory that hides what was in it before. */
  readonly opaque: boolean;
}

/** The paths in which one tree differs from another. */
export class ChangeSet {
  readonly #kinds = new Map<string, ChangeKind>();
  readonly #opaque = new Set<string>();

  /** @throws resource-exhausted: more changes than fit in memory. */
  add(path: string, kind: ChangeKind): void {
    this.#kinds.set(path, kind);
    if (this.#kinds.size <= CHANGES_MAX) return;
    throw new DaemonError('resource-exhausted', `the trees differ in over ${CHANGES_MAX} paths, which is the limit`);
  }

  /** Also says that the directory is there. */
  addOpaque(path: string): void {
    this.add(path, 'present');
    this.#opaque.add(path);
  }

  has(path: string): boolean {
    return this.#kinds.has(path);
  }

  /** Adds the directories above every change, so that whoever applies them puts their times back. */
  addParents(): void {
    for (const path of [...this.#kinds.keys()]) {
      for (let above = path; above !== '';) {
        above = parentOf(above);
        if (this.#kinds.has(above)) break;
        this.add(above, 'present');
      }
    }
  }

  /** Directories before what is in them, names in the order of their bytes: the same for the same tree. */
  sorted(): PathChange[] {
    const ordered = [...this.#kinds].map(([path, kind]) => ({ key: path.replaceAll('/', '\0'), path, kind }));
    ordered.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return ordered.map(({ path, kind }) => ({ path, kind, opaque: this.#opaque.has(path) }));
  }
}

/** The directory that holds a path; empty for what lies in the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last component of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** @param parent Empty for the root. */
export function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}
