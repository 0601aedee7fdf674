import { lstat, open, opendir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header, Pack } from 'tar-stream';
import { DaemonError, isErrno } from '../../base/errors.js';

/** Told of what is left out, by its path. */
type LeftOut = (path: string, why: string) => void;

/**
 * Packs local files as a tar, all below the one name `top`. FIFOs, sockets and devices are left out.
 *
 * @param options.followLink What `path` leads to if it is a link.
 */
export async function* packFiles(
  path: string,
  options: { readonly followLink: boolean; readonly leftOut: LeftOut },
): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  const filling = add(tar, path, 'top', options).then(
    () => {
      tar.finalize();
    },
    (error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    },
  );
  filling.catch(() => undefined);
  try {
    yield* tar as AsyncIterable<Uint8Array>;
    await filling;
  } finally {
    tar.destroy();
  }
}

async function add(
  tar: Pack,
  path: string,
  name: string,
  { followLink, leftOut }: { readonly followLink: boolean; readonly leftOut: LeftOut },
): Promise<void> {
  const found = await (followLink ? stat(path) : lstat(path)).catch((cause: unknown) => {
    if (name !== 'top' && isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  });
  if (!found) return;
  const { uid, gid, mtime } = found;
  const header = { name, uid, gid, mtime, mode: found.mode & 0o7777 };
  if (found.isDirectory()) {
    await whole(tar, { ...header, type: 'directory' });
    for await (const { name: child } of await opendir(path))
      await add(tar, join(path, child), `${name}/${child}`, { followLink: false, leftOut });
  } else if (found.isSymbolicLink()) {
    await whole(tar, { ...header, type: 'symlink', linkname: await readlink(path) });
  } else if (found.isFile()) {
    // Its size may have changed since.
    await using file = await open(path);
    const { size } = await file.stat();
    if (size === 0) await whole(tar, { ...header, size });
    else {
      const source = file.createReadStream({ start: 0, end: size - 1, autoClose: false });
      await pipeline(source, filled(size), tar.entry({ ...header, size }));
    }
  } else leftOut(path, 'is neither file, directory nor link');
}

/** Adds a member without data. */
function whole(tar: Pack, header: Partial<Header> & Pick<Header, 'name'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => {
      if (error) reject(error);
      else resolve();
    };
    if (header.size === 0) tar.entry(header, '', done);
    else tar.entry(header, done);
  });
}

/** Makes up for a file that shrinks while it is read. */
function filled(sizeBytes: number): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    let left = sizeBytes;
    for await (const bytes of source) {
      left -= bytes.length;
      yield bytes;
    }
    for (; left > 0; left -= Math.min(left, 65_536)) yield Buffer.alloc(Math.min(left, 65_536));
  };
}

/** The file or directory that is there. @throws not-found. */
export async function kindOfPath(path: string, followLink: boolean): Promise<'directory' | 'other'> {
  try {
    return (await (followLink ? stat(path) : lstat(path))).isDirectory() ? 'directory' : 'other';
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR'))
      throw new DaemonError('not-found', `${path}: no such file or directory`, { cause });
    throw cause;
  }
}
