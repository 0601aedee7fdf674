import { constants } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, open, symlink, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { DaemonError, isErrno } from '../../base/errors.js';

const DEPTH_MAX = 512;

export interface UnpackOptions {
  /** Owners and all mode bits as the tar tells. */
  readonly keepOwner: boolean;
  readonly leftOut: (path: string, why: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Unpacks a tar whose names and links may be hostile at `place`, which stands for the first component of each name. Nothing is written through a
 * link, and nothing outside of `place`.
 *
 * @throws invalid-argument: a name that leads elsewhere. failed-precondition: something else in the place of a directory.
 */
export async function unpackFiles(
  tar: AsyncIterable<Uint8Array>,
  place: string,
  options: UnpackOptions,
): Promise<void> {
  const { extract } = await import('tar-stream');
  const entries = extract();
  const feeding = pipeline(Readable.from(tar, { objectMode: false }), entries, { signal: options.signal });
  feeding.catch(() => undefined);
  const unpacking = new Unpacking(place, options);
  try {
    for await (const entry of entries) {
      await unpacking.put(entry.header, entry as AsyncIterable<Buffer>);
      entry.resume();
    }
    await feeding;
  } catch (cause) {
    options.signal.throwIfAborted();
    if (cause instanceof DaemonError) throw cause;
    // What the daemon says is what went wrong; the archive merely ends there.
    await feeding;
    throw cause;
  } finally {
    entries.destroy();
  }
  await unpacking.finish();
}

class Unpacking {
  readonly #place: string;
  readonly #options: UnpackOptions;
  /** Real directories at or below the place. */
  readonly #known = new Set<string>();
  readonly #directories: { readonly path: string; readonly header: Header }[] = [];

  constructor(place: string, options: UnpackOptions) {
    this.#place = place;
    this.#options = options;
  }

  async put(header: Header, data: AsyncIterable<Buffer>): Promise<void> {
    const path = this.#pathOf(header.name);
    if (header.name.includes('\uFFFD')) {
      this.#options.leftOut(path, 'has a name that is no UTF-8');
      return;
    }
    if (path !== this.#place) await this.#checkParents(path);
    switch (header.type) {
      case 'directory':
        await this.#directory(path, header);
        return;
      case 'file':
        await this.#file(path, header, data);
        return;
      case 'symlink':
        await makeRoom(path);
        await symlink(header.linkname, path);
        if (this.#options.keepOwner) await lchown(path, header.uid, header.gid);
        return;
      case 'link':
        await this.#link(path, header);
        return;
      default:
        this.#options.leftOut(path, 'is neither file, directory nor link');
    }
  }

  /** What has to wait until all is written. */
  async finish(): Promise<void> {
    for (const { path, header } of this.#directories.reverse()) {
      await this.#describe(path, header);
      await utimes(path, header.mtime, header.mtime);
    }
  }

  #pathOf(name: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const rest = name.startsWith('.') && parts[0] !== undefined && /^\.(\/|$)/.test(name) ? parts : parts.slice(1);
    if (parts.includes('..') || name.includes('\0') || parts.length > DEPTH_MAX)
      throw new DaemonError('invalid-argument', `the container gave the name ${JSON.stringify(name.slice(0, 160))}`);
    return rest.length === 0 ? this.#place : join(this.#place, ...rest);
  }

  async #checkParents(path: string): Promise<void> {
    const parent = dirname(path);
    if (this.#known.has(parent)) return;
    if (parent !== this.#place) await this.#checkParents(parent);
    if (!(await lstat(parent)).isDirectory())
      throw new DaemonError('failed-precondition', `${parent} is no directory: nothing is written through it`);
    this.#known.add(parent);
  }

  async #directory(path: string, header: Header): Promise<void> {
    try {
      await mkdir(path, { mode: 0o700 });
      this.#directories.push({ path, header });
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw cause;
      // The place itself may be a link of the user's own.
      if (path !== this.#place && !(await lstat(path)).isDirectory())
        throw new DaemonError('failed-precondition', `${path} is there already, and no directory`, { cause });
    }
    if (path !== this.#place) this.#known.add(path);
  }

  async #file(path: string, header: Header, data: AsyncIterable<Buffer>): Promise<void> {
    await makeRoom(path);
    await using file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    for await (const bytes of data) await file.writeFile(bytes);
    if (this.#options.keepOwner) await file.chown(header.uid, header.gid);
    await file.chmod(this.#modeOf(header));
    await file.utimes(header.mtime, header.mtime);
  }

  async #link(path: string, header: Header): Promise<void> {
    const target = this.#pathOf(header.linkname);
    if (target !== this.#place) await this.#checkParents(target);
    if (!(await lstat(target)).isFile())
      throw new DaemonError('failed-precondition', `${path} should be a link to ${target}, which is no file`);
    await makeRoom(path);
    await link(target, path);
  }

  async #describe(path: string, header: Header): Promise<void> {
    if (this.#options.keepOwner) await lchown(path, header.uid, header.gid);
    await chmod(path, this.#modeOf(header));
  }

  #modeOf({ mode }: Header): number {
    return mode & (this.#options.keepOwner ? 0o7777 : 0o1777);
  }
}

/** Removes what is in the way, unless it is a directory. */
async function makeRoom(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return;
    if (!isErrno(cause, 'EISDIR') && !isErrno(cause, 'EPERM')) throw cause;
    throw new DaemonError('failed-precondition', `${path} is a directory: remove it first`, { cause });
  }
}
