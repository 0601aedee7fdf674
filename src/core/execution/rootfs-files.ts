import { DaemonError, isErrno } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../kernel/directory-files.js';
import { OPEN, RESOLVE } from '../kernel/open-flags.js';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const INSIDE = RESOLVE.inRoot | RESOLVE.noMagicLinks;

/** The container's root, as the host sees it. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The file calls that looking into a rootfs takes. */
export type RootfsCalls = Pick<DirectoryFiles, 'open' | 'close' | 'statFd' | 'read' | 'makeDirectory' | 'setMetadata'>;

/**
 * Reads a small text file of a rootfs, whose content is hostile: links stay inside, and only a regular file is opened for reading
 * (CVE-2024-9676). Empty when it is missing.
 *
 * @param root The open directory that is the container's `/`.
 * @throws invalid-argument: no regular file, or over 4 MiB.
 */
export function readRootfsFile(files: RootfsCalls, root: Fd, path: string): string {
  const place = openInside(files, root, path, OPEN.path);
  if (place === undefined) return '';
  try {
    const { mode, size } = files.statFd(place);
    if ((mode & TYPE_MASK) !== REGULAR) throw hostile(path, 'is no regular file');
    if (size > FILE_BYTES_MAX) throw hostile(path, `has ${size} bytes, more than the ${FILE_BYTES_MAX} allowed`);
    // Through the place that was looked at, so that nothing can be put there in between.
    const file = files.open(place, `/proc/self/fd/${place}`, OPEN.read | OPEN.nonBlocking, 0);
    try {
      return readAll(files, file, size);
    } finally {
      files.close(file);
    }
  } finally {
    files.close(place);
  }
}

/**
 * Sees to it that the directories of an image's volumes exist in its rootfs (CVE-2022-23648: they never lead out of it).
 *
 * @throws invalid-argument: a path that is relative, has `..`, or leads to something else than a directory.
 */
export function makeVolumeDirectories(
  files: RootfsCalls,
  root: Fd,
  volumes: readonly string[],
  owner: Owner = { uid: 0, gid: 0 },
): void {
  for (const volume of volumes) {
    const parts = volumeParts(volume);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      makeDirectoryAt(files, root, parts.slice(0, depth), { volume, owner });
    }
  }
}

/** True when all of these volumes are directories already. */
export function volumesExist(files: RootfsCalls, root: Fd, volumes: readonly string[]): boolean {
  return volumes.every((volume) => {
    const fd = openInside(files, root, volumeParts(volume).join('/'), OPEN.path | OPEN.directory);
    if (fd !== undefined) files.close(fd);
    return fd !== undefined;
  });
}

/** The components of a volume's path. @throws invalid-argument. */
export function volumeParts(volume: string): string[] {
  const parts = volume.split('/').filter((part) => part !== '' && part !== '.');
  if (!volume.startsWith('/') || volume.includes('\0') || parts.includes('..') || parts.length === 0) {
    throw new DaemonError(
      'invalid-argument',
      `volume ${JSON.stringify(volume.slice(0, 160))} of the image is no path that a volume may have`,
    );
  }
  return parts;
}

function makeDirectoryAt(
  files: RootfsCalls,
  root: Fd,
  parts: readonly string[],
  { volume, owner }: { readonly volume: string; readonly owner: Owner },
): void {
  const there = openInside(files, root, parts.join('/'), OPEN.path | OPEN.directory);
  if (there !== undefined) {
    files.close(there);
    return;
  }
  const parent =
    parts.length === 1 ? undefined : openInside(files, root, parts.slice(0, -1).join('/'), OPEN.path | OPEN.directory);
  try {
    files.makeDirectory(parent ?? root, parts.at(-1) ?? '', 0o755);
    files.setMetadata(parent ?? root, parts.at(-1) ?? '', owner);
  } catch (cause) {
    if (!isErrno(cause, 'EEXIST')) throw cause;
    throw new DaemonError('invalid-argument', `volume ${JSON.stringify(volume)} of the image is no directory in it`, {
      cause,
    });
  } finally {
    if (parent !== undefined) files.close(parent);
  }
}

function openInside(files: RootfsCalls, root: Fd, path: string, flags: number): Fd | undefined {
  try {
    return files.open(root, path.replace(/^\/+/, ''), flags, INSIDE);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    if (isErrno(cause, 'ENOTDIR') || isErrno(cause, 'ELOOP')) throw hostile(path, 'is reached through no directory');
    throw cause;
  }
}

/** Reads what the file had when it was looked at, also if it grows meanwhile. */
function readAll(files: RootfsCalls, file: Fd, size: number): string {
  const bytes = Buffer.alloc(size);
  let length = 0;
  for (let got = -1; got !== 0 && length < size; length += got) got = files.read(file, bytes.subarray(length), length);
  return bytes.toString('utf8', 0, length);
}

function hostile(path: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `${path} in the container's root file system ${why}`);
}
