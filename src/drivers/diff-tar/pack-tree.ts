import { DaemonError, isErrno } from '../../base/errors.js';
import type { PackTreeTask } from '../../core/execution/copy-tasks.js';
import type { DirectoryFiles, Fd, FileStat } from '../../core/kernel/directory-files.js';
import { isDirectory, isRegular } from '../../core/kernel/file-type.js';
import { OPEN, RESOLVE } from '../../core/kernel/open-flags.js';
import { quotePath } from './entry-path.js';
import { entryTypeOf, layerXattrs } from './same-file.js';
import type { TarEntry, TarEntryType } from './tar-entry.js';
import { encodeHeader, END_OF_ARCHIVE, padding } from './tar-writing.js';

const CHUNK_BYTES = 256 * 1024;
const DEPTH_MAX = 255;
/** Of a directory itself: its names are read at once. */
const DIRECTORY_BYTES_MAX = 64 * 1024 * 1024;
/** Hard links beyond are packed as files of their own. */
const LINKED_MAX = 1_000_000;
const INSIDE = RESOLVE.inRoot | RESOLVE.noMagicLinks;
const NO_BYTES = Buffer.alloc(0);

/**
 * Packs what is at a path of a root directory whose content is hostile and may change meanwhile: every step is one name in an open
 * directory, no link is followed on the way down, and only regular files are opened for reading. What vanishes is left out; sockets are,
 * too.
 *
 * @throws resource-exhausted: over 255 directories deep, or a directory with millions of names.
 */
export function packTree(files: DirectoryFiles, task: PackTreeTask, check: () => void): void {
  new TreePacking(files, task, check).run();
}

class TreePacking {
  readonly #files: DirectoryFiles;
  readonly #task: PackTreeTask;
  readonly #check: () => void;
  readonly #linked = new Map<string, Buffer>();

  constructor(files: DirectoryFiles, task: PackTreeTask, check: () => void) {
    this.#files = files;
    this.#task = task;
    this.#check = check;
  }

  run(): void {
    const { root, path, followLink, name } = this.#task;
    const flags = OPEN.path | (followLink ? 0 : OPEN.noFollow);
    const place = this.#files.open(root, path.replace(/^\/+/, '') || '.', flags, INSIDE);
    try {
      this.#packOpen(place, Buffer.from(name), 0);
    } finally {
      this.#files.close(place);
    }
    this.#write(END_OF_ARCHIVE);
  }

  #packOpen(place: Fd, full: Buffer, depth: number): void {
    this.#check();
    const stat = this.#files.statFd(place);
    const type = entryTypeOf(stat);
    if (type === undefined) return;
    if (isDirectory(stat)) this.#directory(place, stat, full, depth);
    else if (this.#wasLinked(stat, full, type)) return;
    else if (isRegular(stat)) this.#file(place, full);
    else {
      const link = type === 'symlink' ? this.#files.readLink(place, '') : NO_BYTES;
      this.#write(encodeHeader({ ...entryOf(full, type, stat), link }));
    }
  }

  #wasLinked(stat: FileStat, full: Buffer, type: TarEntryType): boolean {
    if (stat.nlink < 2) return false;
    const key = `${stat.dev}:${stat.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) {
      if (this.#linked.size < LINKED_MAX) this.#linked.set(key, full);
      return false;
    }
    this.#write(encodeHeader({ ...entryOf(full, type, stat), type: 'hardlink', link: first }));
    return true;
  }

  #directory(place: Fd, stat: FileStat, full: Buffer, depth: number): void {
    if (depth > DEPTH_MAX || stat.size > DIRECTORY_BYTES_MAX) {
      const what = depth > DEPTH_MAX ? `is over ${DEPTH_MAX} directories deep` : 'is a directory with too many names';
      throw new DaemonError('resource-exhausted', `${quotePath(full)} ${what}: copy its parts one by one`);
    }
    const xattrs = layerXattrs(this.#files, { dir: place, name: '.', stat });
    this.#write(encodeHeader({ ...entryOf(Buffer.concat([full, SLASH]), 'directory', stat), xattrs }));
    for (const name of this.#namesIn(place)) {
      const child = this.#openIfThere(place, name);
      if (child === undefined) continue;
      try {
        const { dev } = this.#files.statFd(child);
        if (dev !== stat.dev && this.#task.skipped.includes(dev)) continue;
        this.#packOpen(child, Buffer.concat([full, SLASH, name]), depth + 1);
      } finally {
        this.#files.close(child);
      }
    }
  }

  #namesIn(place: Fd): Buffer[] {
    const fd = this.#files.open(place, '.', OPEN.read | OPEN.directory, 0);
    try {
      return this.#files.list(fd).map(({ name }) => name);
    } finally {
      this.#files.close(fd);
    }
  }

  #openIfThere(dir: Fd, name: Buffer): Fd | undefined {
    try {
      return this.#files.open(dir, name, OPEN.path | OPEN.noFollow, 0);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return undefined;
      throw cause;
    }
  }

  #file(place: Fd, full: Buffer): void {
    // Through the place that was looked at: by its name there might be a device or a FIFO by now.
    const fd = this.#files.open(place, `/proc/self/fd/${place}`, OPEN.read | OPEN.nonBlocking, 0);
    try {
      const stat = this.#files.statFd(fd);
      this.#write(encodeHeader({ ...entryOf(full, 'file', stat), storedBytes: stat.size, sizeBytes: stat.size }));
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, stat.size));
      for (let at = 0; at < stat.size; at += buffer.length) {
        this.#check();
        const piece = buffer.subarray(0, Math.min(buffer.length, stat.size - at));
        piece.fill(0, this.#files.read(fd, piece, at));
        this.#write(piece);
      }
      this.#write(Buffer.alloc(padding(stat.size)));
    } finally {
      this.#files.close(fd);
    }
  }

  #write(bytes: Buffer): void {
    if (bytes.length > 0) this.#files.write(this.#task.into, bytes);
  }
}

const SLASH = Buffer.from('/');

function entryOf(name: Buffer, type: TarEntryType, stat: FileStat): TarEntry {
  const { mode, uid, gid, rdev: device, mtime } = stat;
  return { type, name, link: NO_BYTES, mode: mode & 0o7777, uid, gid, storedBytes: 0, sizeBytes: 0, mtime, device };
}
