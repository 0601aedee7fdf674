import { readFileSync, statSync } from 'node:fs';
import { chmod, link, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { flushDirectory } from '../../base/durable.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { BlobStore, IngestFile } from '../../core/content/blob-store.js';
import type { BlobReader } from '../../core/content/content-store.js';
import { algorithmOf, hexOf, isDigest, type Digest, type DigestAlgorithm } from '../../spec/digest.js';
import { BlobBytes } from './blob-bytes.js';
import { BlobFile } from './blob-file.js';
import { asFull, IngestData } from './ingest-data.js';

const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha384', 'sha512'];
/** Of a directory, from one call of the system to the next. */
const NAMES_AT_ONCE = 500;
/**
 * Up to here a blob (a manifest, a config) is read at once and in place: it takes as long as the look at its record does, and a
 * fraction of four turns through the thread pool.
 */
const SMALL_BYTES = 64 * 1024;
const INGEST_ID = /^[0-9a-f-]{1,64}$/;

/** Blobs as files `<root>/blobs/<algorithm>/<hex>`, ingests as files `<root>/ingest/<id>`. */
export class LocalBlobs implements BlobStore {
  readonly #blobs: string;
  readonly #ingests: string;

  private constructor(root: string) {
    this.#blobs = join(root, 'blobs');
    this.#ingests = join(root, 'ingest');
  }

  /** Makes the directories below `root` where they are missing. */
  static async open(root: string): Promise<LocalBlobs> {
    const store = new LocalBlobs(root);
    await mkdir(store.#ingests, { recursive: true, mode: 0o700 });
    for (const algorithm of ALGORITHMS) await mkdir(join(store.#blobs, algorithm), { recursive: true, mode: 0o700 });
    await chmod(root, 0o700);
    for (const folder of [store.#blobs, root, dirname(root)]) await flushDirectory(folder);
    await store.#removeDrafts();
    return store;
  }

  async ingest(id: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<IngestFile> {
    const path = this.#ingestPath(id);
    return IngestData.open(path, algorithm, (from, digest, size) => this.#publish(from, digest, size), signal);
  }

  ingestSize(id: string): Promise<number | undefined> {
    return sizeOf(this.#ingestPath(id));
  }

  async removeIngest(id: string): Promise<void> {
    await rm(this.#ingestPath(id), { force: true });
    faultPoint('an ingest file is removed');
  }

  async open(digest: Digest): Promise<BlobReader> {
    const path = this.#blobPath(digest);
    try {
      const { size } = statSync(path);
      return size <= SMALL_BYTES ? new BlobBytes(digest, path, readFileSync(path)) : await openBlobFile(digest, path);
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT')) throw cause;
      throw new DaemonError('not-found', `content ${digest}: not found`, { cause });
    }
  }

  size(digest: Digest): Promise<number | undefined> {
    return sizeOf(this.#blobPath(digest));
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.#blobPath(digest), { force: true });
    faultPoint('a blob is removed');
  }

  async *blobs(): AsyncGenerator<Digest> {
    for (const algorithm of ALGORITHMS) {
      for await (const { name } of await opendir(join(this.#blobs, algorithm), { bufferSize: NAMES_AT_ONCE })) {
        const digest = `${algorithm}:${name}`;
        if (isDigest(digest)) yield digest;
      }
    }
  }

  async ingests(): Promise<readonly string[]> {
    return (await readdir(this.#ingests)).filter((name) => INGEST_ID.test(name));
  }

  /** What a crash left half done beside the ingests: copies and links under a name that no ingest has. */
  async #removeDrafts(): Promise<void> {
    for (const name of await readdir(this.#ingests)) {
      if (INGEST_ID.test(name)) continue;
      await rm(join(this.#ingests, name), { recursive: true, force: true });
      faultPoint('a draft of an ingest is removed');
    }
  }

  async #publish(path: string, digest: Digest, size: number): Promise<void> {
    const blob = this.#blobPath(digest);
    try {
      await link(path, blob);
      faultPoint('a blob has its name');
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw asFull(cause, blob);
      if ((await sizeOf(blob)) !== size) await replace(path, blob);
    }
    await flushDirectory(dirname(blob));
  }

  #blobPath(digest: Digest): string {
    return join(this.#blobs, algorithmOf(digest), hexOf(digest));
  }

  #ingestPath(id: string): string {
    if (!INGEST_ID.test(id)) throw new DaemonError('internal', `ingest id ${JSON.stringify(id)} is no file name`);
    return join(this.#ingests, id);
  }
}

async function openBlobFile(digest: Digest, path: string): Promise<BlobFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return new BlobFile(digest, size, path, file);
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

/** What bears the name is damaged (cut off), so the verified bytes take its place; readers keep what they have open. */
async function replace(path: string, blob: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  faultPoint('a former draft of a blob is removed');
  await link(path, draft);
  faultPoint('a draft of a blob is linked');
  await rename(draft, blob);
  faultPoint('a damaged blob is replaced');
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  }
}
