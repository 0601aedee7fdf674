import { DaemonError, isErrno } from '../../base/errors.js';
import type { DirectoryFiles, Fd, FileStat, FileTime } from '../../core/kernel/directory-files.js';
import { isRegular } from '../../core/kernel/file-type.js';
import { OPEN, RESOLVE } from '../../core/kernel/open-flags.js';
import { nameOf, parentOf, type PathChange } from './change-set.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import { containerOwners } from '../../core/snapshots/container-owners.js';
import { quotePath } from './entry-path.js';
import { entryTypeOf, layerXattrs, type Seen } from './same-file.js';
import type { TarEntry, TarEntryType } from './tar-entry.js';
import { encodeHeader, END_OF_ARCHIVE, padding } from './tar-writing.js';

const CHUNK_BYTES = 1024 * 1024;
const PLACE_FLAGS = OPEN.path | OPEN.directory | OPEN.noFollow;
const READ_FLAGS = OPEN.read | OPEN.noFollow | OPEN.nonBlocking;
const NO_BYTES = Buffer.alloc(0);
const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export interface LayerSource {
  /** Where the changed tree lies. */
  readonly directory: string;
  readonly changes: readonly PathChange[];
  /** Times after this one are set to it. Seconds since 1970. */
  readonly latestTime: FileTime | undefined;
  /** Of a tree whose owners are the host's: the layer has the container's. */
  readonly mapping: IdMapping | undefined;
}

/**
 * The changes as the tar of a layer (OCI image-spec, layer.md), piece by piece. What is gone by now is left out; a file that shrinks while it
 * is read is filled up with NULs.
 *
 * @throws failed-precondition: a name that means a deletion in a layer.
 */
export function* layerTar(files: DirectoryFiles, source: LayerSource): Generator<Buffer> {
  using writing = new LayerTar(files, source);
  yield* batched(writing.all());
}

class LayerTar implements Disposable {
  readonly #files: DirectoryFiles;
  readonly #source: LayerSource;
  readonly #root: Fd;
  /** First names of the files that have several. */
  readonly #linked = new Map<string, Buffer>();
  #open: { readonly path: string; readonly fd: Fd } | undefined;

  constructor(files: DirectoryFiles, source: LayerSource) {
    this.#files = files;
    this.#source = source;
    this.#root = files.openDirectory(source.directory);
  }

  *all(): Generator<Buffer> {
    for (const change of this.#source.changes) {
      if (change.kind === 'removed') yield this.#mark(parentOf(change.path), WHITEOUT + nameOf(change.path));
      else yield* this.#present(change.path);
      if (change.opaque) yield this.#mark(change.path, OPAQUE);
    }
    yield END_OF_ARCHIVE;
  }

  #mark(parent: string, name: string): Buffer {
    const path = Buffer.from(parent === '' ? name : `${parent}/${name}`, 'latin1');
    const entry = { type: 'file', name: path, link: NO_BYTES, mode: 0, uid: 0, gid: 0, mtime: EPOCH } as const;
    return encodeHeader({ ...entry, storedBytes: 0, sizeBytes: 0, device: { major: 0, minor: 0 } });
  }

  *#present(path: string): Generator<Buffer> {
    const dir = this.#directoryOf(path);
    const name = path === '' ? '.' : Buffer.from(nameOf(path), 'latin1');
    const stat = dir === undefined ? undefined : this.#files.statIfExists(dir, name);
    const type = stat && entryTypeOf(stat);
    if (dir === undefined || stat === undefined || type === undefined) return;
    refuseMark(path);
    const full = Buffer.from(type === 'directory' ? `${path === '' ? '.' : path}/` : path, 'latin1');
    const first = this.#firstName(stat, type, full);
    if (first !== undefined) yield encodeHeader({ ...this.#entry(full, 'hardlink', stat), link: first });
    else if (type === 'file') yield* this.#file(dir, name, full);
    else {
      const link = type === 'symlink' ? this.#files.readLink(dir, name) : NO_BYTES;
      yield encodeHeader({ ...this.#entry(full, type, stat), link, xattrs: this.#xattrs({ dir, name, stat }) });
    }
  }

  /** Set when the file was written under another name before. */
  #firstName(stat: FileStat, type: TarEntryType, full: Buffer): Buffer | undefined {
    if (type === 'directory' || stat.nlink < 2) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) this.#linked.set(key, full);
    return first;
  }

  *#file(dir: Fd, name: Buffer | string, full: Buffer): Generator<Buffer> {
    const fd = this.#openFile(dir, name);
    if (fd === undefined) return;
    try {
      const stat = this.#files.statFd(fd);
      if (!isRegular(stat)) return;
      const xattrs = this.#xattrs({ dir, name, stat });
      yield encodeHeader({ ...this.#entry(full, 'file', stat), storedBytes: stat.size, sizeBytes: stat.size, xattrs });
      yield* this.#content(fd, stat.size);
      yield Buffer.alloc(padding(stat.size));
    } finally {
      this.#files.close(fd);
    }
  }

  *#content(fd: Fd, sizeBytes: number): Generator<Buffer> {
    for (let at = 0; at < sizeBytes;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - at));
      const count = this.#files.read(fd, buffer, at);
      buffer.fill(0, count);
      yield buffer;
      at += buffer.length;
    }
  }

  /** A running container may have removed or replaced the file meanwhile. */
  #openFile(dir: Fd, name: Buffer | string): Fd | undefined {
    try {
      return this.#files.open(dir, name, READ_FLAGS, 0);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ELOOP')) return undefined;
      throw cause;
    }
  }

  #entry(name: Buffer, type: TarEntryType, stat: FileStat): TarEntry {
    const { mode, uid, gid, rdev: device } = containerOwners(stat, this.#source.mapping);
    const mtime = this.#clamped(stat.mtime);
    return { type, name, link: NO_BYTES, mode: mode & 0o7777, uid, gid, storedBytes: 0, sizeBytes: 0, mtime, device };
  }

  #xattrs(seen: Seen): ReadonlyMap<string, Buffer> {
    return layerXattrs(this.#files, { ...seen, mapping: this.#source.mapping });
  }

  #clamped(time: FileTime): FileTime {
    const { latestTime: latest } = this.#source;
    if (latest === undefined || time.seconds < latest.seconds) return time;
    return time.seconds > latest.seconds || time.nanoseconds > latest.nanoseconds ? latest : time;
  }

  /** The open directory that holds a path; undefined when it is gone. */
  #directoryOf(path: string): Fd | undefined {
    const parent = parentOf(path);
    if (parent === '') return this.#root;
    if (this.#open?.path === parent) return this.#open.fd;
    this.#closeDirectory();
    try {
      const rules = RESOLVE.beneath | RESOLVE.noSymlinks;
      const fd = this.#files.open(this.#root, Buffer.from(parent, 'latin1'), PLACE_FLAGS, rules);
      this.#open = { path: parent, fd };
      return fd;
    } catch (cause) {
      if (['ENOENT', 'ELOOP', 'ENOTDIR'].some((code) => isErrno(cause, code))) return undefined;
      throw cause;
    }
  }

  #closeDirectory(): void {
    if (this.#open) this.#files.close(this.#open.fd);
    this.#open = undefined;
  }

  [Symbol.dispose](): void {
    this.#closeDirectory();
    this.#files.close(this.#root);
  }
}

function refuseMark(path: string): void {
  if (!nameOf(path).startsWith(WHITEOUT)) return;
  throw new DaemonError(
    'failed-precondition',
    `${quotePath(Buffer.from(path, 'latin1'))} has a name that means a deletion in a layer: rename it`,
  );
}

/** Small pieces together, as each one that goes through a stream costs. */
function* batched(pieces: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(waiting);
    [waiting, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}
