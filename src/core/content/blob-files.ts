import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DaemonError, isErrno } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { Digest } from '../../spec/digest.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { BlobOnDisk, BlobReader, ContentStore } from './content-store.js';

/** Opens blobs for workers. @throws not-found. data-loss. resource-exhausted: no room for a copy. */
export type BlobFiles = (scope: Scope, digest: Digest, signal?: AbortSignal) => Promise<BlobOnDisk>;

/**
 * Gives blobs as files of this machine: those of a store without files are copied, for as long as they are used.
 *
 * @param spool A new path for a copy; who reads it verifies the bytes.
 */
export function createBlobFiles(content: Scoped<ContentStore>, spool: () => Promise<string>): BlobFiles {
  return async (scope, digest, signal) => {
    const blob = await content(scope).open(digest, signal);
    const { path } = blob;
    if (path !== undefined) return { path, [Symbol.asyncDispose]: () => blob[Symbol.asyncDispose]() };
    await using _ = blob;
    const copy = await spool();
    const remove = async () => {
      await rm(copy, { force: true });
      faultPoint('the copy of a blob is removed');
    };
    try {
      await pipeline(
        bytesOf(blob, signal),
        createWriteStream(copy, { flags: 'wx', mode: 0o600 }),
        signal ? { signal } : {},
      );
      return { path: copy, [Symbol.asyncDispose]: remove };
    } catch (cause) {
      await remove();
      if (!isErrno(cause, 'ENOSPC') && !isErrno(cause, 'EDQUOT')) throw cause;
      const why = `no space left on the file system of ${copy} for a copy of ${digest}: free some`;
      throw new DaemonError('resource-exhausted', why, { cause });
    }
  };
}

async function* bytesOf(blob: BlobReader, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of blob.chunks({}, signal)) yield bytes;
}
