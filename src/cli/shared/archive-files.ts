import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaemonError, isErrno, messageOf } from '../../base/errors.js';

/** Opens an archive for reading. @throws not-found: it can't be opened. */
export async function openArchive(path: string): Promise<Readable> {
  try {
    return (await open(path)).createReadStream();
  } catch (cause) {
    throw new DaemonError('not-found', `archive ${path} can't be opened: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Writes an archive. A file gets its name when it is complete, so that what fails leaves what was there; a device or a pipe is written
 * into.
 *
 * @throws What `bytes` throws; unavailable: the file can't be written.
 */
export async function writeArchive(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (await isSpecial(path)) await pipeline(readable(bytes), createWriteStream(path, { flags: 'r+' }));
    else await writeFileWhole(path, bytes);
  } catch (cause) {
    if (cause instanceof DaemonError) throw cause;
    throw new DaemonError('unavailable', `archive ${path} can't be written: ${messageOf(cause)}`, { cause });
  }
}

const readable = (bytes: AsyncIterable<Uint8Array>) => Readable.from(bytes, { objectMode: false });

/** Whether there is something in its place that is no file, and must not be replaced by one. */
async function isSpecial(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isFile();
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw cause;
  }
}

async function writeFileWhole(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  // A new file, so that nothing that somebody else has put there is written through; and one for each of several writers.
  const draft = `${path}.${randomUUID()}.partial`;
  try {
    await pipeline(readable(bytes), createWriteStream(draft, { flags: 'wx' }));
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
}
