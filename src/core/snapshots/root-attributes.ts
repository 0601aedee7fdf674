import { toHostId, type IdMapping } from '../../spec/id-mapping.js';
import type { DirectoryFiles, Fd, FileStat, FileTime } from '../kernel/directory-files.js';
import { isWhiteout } from '../kernel/file-type.js';
import { containerOwners, containerXattrs, hostXattrs } from './container-owners.js';

const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
const SELF = '.';
const OVERLAY_STATE = /^(trusted|user)\.overlay\./;
/** Of overlayfs's own attributes those that say what a layer means; the others are of the place where it lies. */
const OVERLAY_MEANING: ReadonlySet<string> = new Set(
  ['opaque', 'redirect', 'metacopy'].map((name) => `trusted.overlay.${name}`),
);

/** A directory that nobody describes: root's, mode 0755, with one time whoever makes it. */
export const PLAIN_DIRECTORY = { uid: 0, gid: 0, mode: 0o755, mtime: EPOCH, atime: EPOCH } as const;

/** Gives one directory mode, owner, times and attributes of another, but for overlayfs's own marks. Both by ordinary paths. */
export function copyDirectoryAttributes(files: DirectoryFiles, from: string, to: string): void {
  const source = files.openDirectory(from);
  try {
    const target = files.openDirectory(to);
    try {
      copyAttributes(files, { dir: source, name: SELF }, { dir: target, name: SELF });
    } finally {
      files.close(target);
    }
  } finally {
    files.close(source);
  }
}

/** Makes a directory look as if nobody had described it. */
export function describePlainly(files: DirectoryFiles, path: string): void {
  const target = files.openDirectory(path);
  try {
    files.setMetadata(target, SELF, PLAIN_DIRECTORY);
  } finally {
    files.close(target);
  }
}

/** A place in a tree: a name in an open directory. */
export interface Place {
  readonly dir: Fd;
  readonly name: Uint8Array | string;
}

/** Copies owner, mode, extended attributes (but for overlayfs's own) and times, in this order, between nodes of one type. */
export function copyAttributes(files: DirectoryFiles, from: Place, to: Place): void {
  const stat = files.stat(from.dir, from.name);
  const xattrs = xattrsOf(files, from, (name) => !OVERLAY_STATE.test(name));
  setAttributes(files, to, { ...stat, xattrs });
}

/** As copyAttributes from an upper directory with the host's owners to a layer with the container's, which means the same. */
export function copyAsContainer(files: DirectoryFiles, from: Place, to: Place, mapping: IdMapping): void {
  const stat = files.stat(from.dir, from.name);
  if (isWhiteout(stat)) return;
  const xattrs = xattrsOf(files, from, (name) => OVERLAY_MEANING.has(name) || !OVERLAY_STATE.test(name));
  setAttributes(files, to, { ...containerOwners(stat, mapping), xattrs: containerXattrs(xattrs, mapping) });
}

/** Gives what has a container's owners those of the host, in its ACLs as well. */
export function giveToHost(files: DirectoryFiles, { dir, name }: Place, mapping: IdMapping): void {
  const { uid, gid, mode } = files.stat(dir, name);
  const [user, group] = [toHostId(mapping.uids, uid) ?? uid, toHostId(mapping.gids, gid) ?? gid];
  files.setMetadata(dir, name, { uid: user, gid: group, mode: mode & 0o7777 });
  const xattrs = xattrsOf(files, { dir, name }, () => true);
  const changed = hostXattrs(xattrs, mapping);
  for (const [attribute, value] of changed) {
    if (value !== xattrs.get(attribute)) files.setXattr(dir, name, Buffer.from(attribute, 'latin1'), value);
  }
}

interface Attributes extends Pick<FileStat, 'uid' | 'gid' | 'mode' | 'mtime' | 'atime'> {
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

function setAttributes(files: DirectoryFiles, { dir, name }: Place, attributes: Attributes): void {
  const { uid, gid, mode, mtime, atime, xattrs } = attributes;
  files.setMetadata(dir, name, { uid, gid, mode: mode & 0o7777 });
  for (const [attribute, value] of xattrs) files.setXattr(dir, name, Buffer.from(attribute, 'latin1'), value);
  files.setMetadata(dir, name, { mtime, atime });
}

/** By names as latin1. */
function xattrsOf(
  files: DirectoryFiles,
  { dir, name }: Place,
  wanted: (attribute: string) => boolean,
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const attribute of files.listXattrs(dir, name)) {
    const key = attribute.toString('latin1');
    const value = wanted(key) ? files.getXattr(dir, name, attribute) : undefined;
    if (value !== undefined) found.set(key, value);
  }
  return found;
}
