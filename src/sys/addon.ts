import { createRequire } from 'node:module';
import { nativePath } from '../base/native-path.js';
import type { Fd, RawName } from '../core/kernel/directory-files.js';

/** A result of the addon: 0 or more, or the negated error number. */
export type Outcome = number;

/** A look of the event loop at a descriptor that is under way. */
export type Watch = object & { readonly watch: unique symbol };

/** Files that a thread of the addon's makes. */
export type Queue = object & { readonly queue: unique symbol };

/** What takes plain entries of an archive. */
export type Entries = object & { readonly entries: unique symbol };

/** The functions of native/addon, as they are; the rest of this room gives them types that people can use. */
export interface Addon {
  errnoName(errno: number): string;

  open(dir: Fd, path: RawName, flags: number, resolve: number, mode: number): Outcome;
  close(fd: Fd): Outcome;
  /** Fills 16 numbers; the eighth holds the inode number as a 64-bit integer. */
  stat(dir: Fd, name: RawName, into: Float64Array): Outcome;
  statFd(fd: Fd, into: Float64Array): Outcome;
  /** For each entry one byte of type, the name, and NUL. */
  list(fd: Fd): Buffer | Outcome;
  readLink(dir: Fd, name: RawName): Buffer | Outcome;
  makeDirectory(dir: Fd, name: RawName, mode: number): Outcome;
  makeNode(dir: Fd, name: RawName, mode: number, major: number, minor: number): Outcome;
  makeSymlink(target: RawName, dir: Fd, name: RawName): Outcome;
  link(fromDir: Fd, from: RawName, toDir: Fd, to: RawName): Outcome;
  rename(fromDir: Fd, from: RawName, toDir: Fd, to: RawName, flags: number): Outcome;
  unlink(dir: Fd, name: RawName, flags: number): Outcome;
  removeTree(dir: Fd, name: RawName): Outcome;
  createFile(...file: NewFileArguments): Outcome;
  openQueue(): Queue | Outcome;
  queueFile(queue: Queue, ...file: [...NewFileArguments, entry: Uint8Array]): Outcome;
  queueWaits(queue: Queue, dir: Fd, name: RawName): Outcome;
  /** Sets the entry that failed, if one did. */
  settleQueue(queue: Queue, into: { entry?: Buffer }): Outcome;
  closeQueue(queue: Queue): Outcome;

  openEntries(queue: Queue, maxPathBytes: number, maxPathDepth: number, maxPaxBytes: number): Entries | Outcome;
  knowDirectory(entries: Entries, path: Uint8Array): Outcome;
  enterDirectory(entries: Entries, path: Uint8Array, fd: Fd): Outcome;
  leaveDirectory(entries: Entries, fd: Fd): Outcome;
  /** Fills the records (native/addon/core.h) and six numbers: where it was left, midway, entries, inodes, bytes, bytes of the records. */
  takeEntries(
    entries: Entries,
    piece: Uint8Array,
    at: number,
    left: number,
    records: Uint8Array,
    into: Float64Array,
  ): Outcome;
  closeEntries(entries: Entries): Outcome;

  /** Position -1: where the descriptor is; for `write` as well. */
  read(fd: Fd, into: Uint8Array, position: number): Outcome;
  write(fd: Fd, bytes: Uint8Array, position: number): Outcome;
  truncate(fd: Fd, size: number): Outcome;
  seek(fd: Fd, offset: number, whence: number): Outcome;
  copyContent(from: Fd, to: Fd): Outcome;
  sync(fd: Fd): Outcome;
  syncFileSystem(fd: Fd): Outcome;

  setMetadata(dir: Fd, name: RawName, ...metadata: MetadataArguments): Outcome;
  setMetadataFd(fd: Fd, ...metadata: MetadataArguments): Outcome;
  getXattr(dir: Fd, name: RawName, attribute: RawName): Buffer | Outcome;
  listXattrs(dir: Fd, name: RawName): Buffer | Outcome;
  setXattr(dir: Fd, name: RawName, attribute: RawName, value: Uint8Array): Outcome;
  removeXattr(dir: Fd, name: RawName, attribute: RawName): Outcome;

  mount(source: string, target: string, type: string, flags: number, data: string | null): Promise<Outcome>;
  /** @param attributes At the end the user namespace whose mapping is shown, or -1. */
  bind(
    source: string,
    target: string,
    ...attributes: [...AttributeArguments, recursiveBind: number, userNamespace: Fd]
  ): Promise<Outcome>;
  setAttributes(target: string, ...attributes: AttributeArguments): Promise<Outcome>;
  /** With `data` by mount(2) from `directory`, else one fsconfig(2) a directory. */
  mountLayers(
    source: string,
    target: string,
    directory: string,
    data: string | null,
    flags: number,
    attributes: number,
    lower: readonly string[],
    options: readonly (string | null)[],
  ): Promise<Outcome>;
  /** An overlay of mapped lower directories; `data` are its other options. */
  mountMappedLayers(
    source: string,
    target: string,
    data: string,
    flags: number,
    userNamespace: Fd,
    lower: readonly string[],
  ): Promise<Outcome>;
  /** A descriptor; the maps are those of user_namespaces(7). */
  userNamespace(uidMap: string, gidMap: string): Promise<Outcome>;
  unmount(target: string, flags: number): Promise<Outcome>;
  syncFileSystemLater(fd: Fd): Promise<Outcome>;

  pidfdOpen(pid: number): Outcome;
  pidfdSignal(pidfd: Fd, signal: number): Outcome;
  pidfdExitStatus(pidfd: Fd): Outcome;
  reap(pid: number): Outcome;
  becomeSubreaper(): Outcome;
  expectMove(procs: string): Outcome;
  collectAll(): Outcome;
  trimAllocator(): Outcome;
  unmapCode(): Outcome;
  crc32(bytes: Uint8Array, before: number): Outcome;
  createShared(size: number): Outcome;
  mapShared(fd: Fd, size: number): Buffer | Outcome;
  /** The buffer is empty from then on, and its memory is given back. */
  detach(buffer: Buffer): Outcome;
  sealDescriptors(): Outcome;
  /** The arguments and the environment end each with NUL; of the descriptors -1 is /dev/null. Fills the pidfd; the outcome is the pid. */
  spawn(
    path: string,
    directory: string,
    args: Uint8Array,
    env: Uint8Array,
    fds: Int32Array,
    ownSession: number,
    into: Int32Array,
  ): Outcome;

  pipe(flags: number, into: Int32Array): Outcome;
  socketPair(into: Int32Array): Outcome;
  duplicate(fd: Fd): Outcome;
  pipeSize(fd: Fd): Outcome;
  setPipeSize(fd: Fd, size: number): Outcome;
  makeFifo(path: string, mode: number): Outcome;
  openFifo(path: string, flags: number): Outcome;
  drainFifo(fifo: Fd, file: Fd, position: number, maxBytes: number): Outcome;
  eventCounter(): Outcome;
  takeEvents(fd: Fd): Outcome;
  setTerminalSize(fd: Fd, rows: number, columns: number): Outcome;
  lockFile(path: string): Outcome;
  /** Fills pid, uid, gid. */
  peerOf(fd: Fd, into: Float64Array): Outcome;
  listen(path: string, backlog: number): Outcome;
  accept(fd: Fd): Outcome;
  sendFds(socket: Fd, bytes: Uint8Array, fds: Int32Array): Outcome;
  /** Fills the number of descriptors, then these (at most 16). */
  receiveFds(socket: Fd, into: Uint8Array, fds: Int32Array): Outcome;

  /** Calls back once, with 0 or a negated error number; `events` is 1 to read, 2 to write. */
  watch(fd: Fd, events: number, callback: (status: Outcome) => void): Watch | Outcome;
  unwatch(watch: Watch): Outcome;
  /** The event loop no longer goes on for it. */
  unrefWatch(watch: Watch): Outcome;
}

/** A file with its owner, mode and time. */
type NewFileArguments = [
  dir: Fd,
  name: RawName,
  mode: number,
  uid: number,
  gid: number,
  seconds: number,
  nanoseconds: number,
  content: Uint8Array,
];

/** What to set (1 owner, 2 mode, 4 times), uid, gid, mode, then atime and mtime; nanoseconds below 0 leave a time. */
export type MetadataArguments = [
  set: number,
  uid: number,
  gid: number,
  mode: number,
  atimeSeconds: number,
  atimeNanoseconds: number,
  mtimeSeconds: number,
  mtimeNanoseconds: number,
];

/** MOUNT_ATTR_… to set and to clear, MS_… of propagation, and 1 for the mounts below too. */
export type AttributeArguments = [set: number, clear: number, propagation: number, recursive: number];

let loaded: Addon | undefined;

/** The addon, loaded at first use; each worker thread has its own. */
export function addon(): Addon {
  loaded ??= createRequire(import.meta.url)(nativePath('wharfd.node')) as Addon;
  return loaded;
}
