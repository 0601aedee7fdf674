import { posix } from 'node:path';
import { DaemonError, isErrno, kindOf, messageOf } from '../../base/errors.js';
import { DEFAULT_LIMITS, type ApplyLimits } from '../../core/diff/applier.js';
import type { UnpackTreeTask } from '../../core/execution/copy-tasks.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import { isDirectory, isSymlink } from '../../core/kernel/file-type.js';
import { OPEN, RESOLVE } from '../../core/kernel/open-flags.js';
import { splitComponents } from './entry-path.js';
import { LayerWriter } from './layer-writer.js';
import type { TarEntry, TarSink } from './tar-entry.js';
import { TarParser } from './tar-parser.js';

const CHUNK_BYTES = 256 * 1024;
const LINKS_MAX = 40;
const INSIDE = RESOLVE.inRoot | RESOLVE.noMagicLinks;
const LIMITS: ApplyLimits = { ...DEFAULT_LIMITS, maxBytes: Number.MAX_SAFE_INTEGER };

/** What names in the tar become. */
interface Target {
  /** Latin1 components that stand for the first one of each name, or before it. */
  readonly prefix: readonly string[];
  readonly dropFirst: boolean;
  /** The directory that all goes into is left as it is. */
  readonly keepTop: boolean;
}

/**
 * Unpacks a tar inside of a root directory whose content is hostile and may change meanwhile. A directory never gives way to something
 * else.
 *
 * @throws not-found: the directory that it should go into. failed-precondition: a directory in the place of a file, or the other way.
 */
export function unpackTree(files: DirectoryFiles, task: UnpackTreeTask, check: () => void): void {
  const target = targetOf(files, task);
  const directory = `/proc/self/fd/${task.root}`;
  using writer = new LayerWriter(files, { directory, form: 'plain', limits: LIMITS, copy: true });
  const parser = new TarParser(new RenamingSink(writer, target, task), LIMITS.maxPaxBytes);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    for (let got = -1; got !== 0;) {
      got = files.read(task.from, buffer);
      check();
      parser.push(buffer.subarray(0, got));
    }
    parser.finish();
    writer.finish();
  } catch (cause) {
    throw new DaemonError(kindOf(cause), messageOf(cause).replace(/^layer(?: entry|:) /, ''), { cause });
  }
}

class RenamingSink implements TarSink {
  readonly #writer: LayerWriter;
  readonly #target: Target;
  readonly #keepOwner: boolean;
  #dropped = false;

  constructor(writer: LayerWriter, target: Target, { archive, keepOwner }: UnpackTreeTask) {
    this.#writer = writer;
    this.#target = target;
    this.#keepOwner = archive || keepOwner;
  }

  entry(entry: TarEntry, whole: Buffer | undefined): void {
    const parts = splitComponents(entry.name.toString('latin1'));
    this.#dropped = this.#target.keepTop && parts.length === (this.#target.dropFirst ? 1 : 0);
    if (this.#dropped) return;
    const owner = this.#keepOwner ? {} : { uid: 0, gid: 0, mode: entry.mode & 0o1777 };
    const link = entry.type === 'hardlink' ? this.#renamed(splitComponents(entry.link.toString('latin1'))) : entry.link;
    this.#writer.entry({ ...entry, ...owner, name: this.#renamed(parts), link }, whole);
  }

  data(bytes: Buffer): void {
    if (!this.#dropped) this.#writer.data(bytes);
  }

  end(): void {
    if (!this.#dropped) this.#writer.end();
  }

  #renamed(parts: readonly string[]): Buffer {
    if (parts.includes('..'))
      throw new DaemonError('invalid-argument', `the name ${JSON.stringify(parts.join('/'))} has a ".." in it`);
    const { prefix, dropFirst } = this.#target;
    return Buffer.from([...prefix, ...parts.slice(dropFirst ? 1 : 0)].join('/') || '.', 'latin1');
  }
}

function targetOf(files: DirectoryFiles, task: UnpackTreeTask): Target {
  const path = followed(files, task.root, posix.normalize(`/${task.path}`));
  const prefix = componentsOf(path);
  const kind = kindAt(files, task.root, path);
  if (task.archive) {
    if (kind !== 'directory') throw noDirectory(task.path, kind);
    return { prefix, dropFirst: false, keepTop: true };
  }
  if (kind === 'directory') {
    if (task.contents) return { prefix, dropFirst: true, keepTop: true };
    const name = Buffer.from(task.name).toString('latin1');
    if (['', '.', '..'].includes(name) || name.includes('/'))
      throw new DaemonError('invalid-argument', `${JSON.stringify(task.name)} is no name of a file`);
    return { prefix: [...prefix, name], dropFirst: true, keepTop: false };
  }
  if (kind === 'other' && task.directory) throw noDirectory(task.path, kind);
  if (task.path.endsWith('/') && !task.directory) throw noDirectory(task.path, kind);
  const parent = posix.dirname(path.replace(/\/+$/, ''));
  const above = kindAt(files, task.root, parent);
  if (above !== 'directory') throw noDirectory(parent, above);
  return { prefix, dropFirst: true, keepTop: false };
}

function noDirectory(path: string, kind: 'missing' | 'directory' | 'other'): DaemonError {
  const shown = JSON.stringify(path);
  if (kind === 'missing')
    return new DaemonError('not-found', `directory ${shown} is not in the container: make it first`);
  return new DaemonError('failed-precondition', `${shown} in the container is no directory`);
}

function componentsOf(path: string): string[] {
  return splitComponents(Buffer.from(path).toString('latin1'));
}

function kindAt(files: DirectoryFiles, root: Fd, path: string): 'missing' | 'directory' | 'other' {
  try {
    const fd = files.open(root, path.replace(/^\/+/, '') || '.', OPEN.path, INSIDE);
    try {
      return isDirectory(files.statFd(fd)) ? 'directory' : 'other';
    } finally {
      files.close(fd);
    }
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR')) return 'missing';
    throw cause;
  }
}

/** The path with its last link followed, so that a file that it leads to is replaced and not the link. */
function followed(files: DirectoryFiles, root: Fd, path: string): string {
  let at = path;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    const target = linkAt(files, root, at);
    if (target === undefined) return at;
    at = posix.resolve(posix.dirname(at.replace(/\/+$/, '')), target);
  }
  throw new DaemonError('failed-precondition', `${JSON.stringify(path)} goes through too many symbolic links`);
}

function linkAt(files: DirectoryFiles, root: Fd, path: string): string | undefined {
  try {
    const fd = files.open(root, path.replace(/^\/+|\/+$/g, '') || '.', OPEN.path | OPEN.noFollow, INSIDE);
    try {
      return isSymlink(files.statFd(fd)) ? files.readLink(fd, '').toString() : undefined;
    } finally {
      files.close(fd);
    }
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR')) return undefined;
    throw cause;
  }
}
