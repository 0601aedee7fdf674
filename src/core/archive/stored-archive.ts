import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { DaemonError, isKind } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';
import { isDigest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX } from '../../spec/document.js';
import type { ContentStore } from '../content/content-store.js';
import type { ArchiveMember } from './archive-format.js';

/** Members that an archive may have. */
const MEMBERS_MAX = 100_000;
/** Links that may lead to links. */
const LINKS_MAX = 16;

/** Names of the members that say what the others are. */
export const ARCHIVE_DOCUMENTS = { layout: 'oci-layout', index: 'index.json', docker: 'manifest.json' } as const;

const DOCUMENTS: ReadonlySet<string> = new Set(Object.values(ARCHIVE_DOCUMENTS));

/** A file of an archive, as it lies in the content store. */
export interface StoredFile {
  readonly digest: Digest;
  readonly size: number;
}

/** An archive whose files are all in the content store, under the lease of the one who stored them. */
export class StoredArchive {
  readonly #documents = new Map<string, Buffer>();
  readonly #files = new Map<string, StoredFile>();
  readonly #links = new Map<string, string>();

  /**
   * Stores an archive's files in one pass, whatever their order.
   *
   * @throws invalid-argument: a document is too long, or there are too many members. failed-precondition: a blob is not what its name says.
   */
  static async store(
    content: ContentStore,
    members: AsyncIterable<ArchiveMember>,
    signal: AbortSignal,
  ): Promise<StoredArchive> {
    const archive = new StoredArchive();
    const id = randomUUID();
    let count = 0;
    for await (const member of members) {
      signal.throwIfAborted();
      if (++count > MEMBERS_MAX) throw refused(`it has more than ${MEMBERS_MAX} members`);
      await archive.#add(content, member, `import-${id}-${count}`);
    }
    return archive;
  }

  /** The bytes of a document; undefined where the archive has none of that name. */
  document(name: string): Buffer | undefined {
    return this.#documents.get(name);
  }

  /** The file at a path, links followed. @throws invalid-argument: there is none. */
  file(path: string): StoredFile {
    let at = normalized(path);
    for (let hops = 0; hops <= LINKS_MAX; hops++) {
      const file = this.#files.get(at);
      if (file) return file;
      const next = this.#links.get(at);
      if (next === undefined) break;
      at = next;
    }
    throw refused(`the file ${JSON.stringify(path.slice(0, 256))} is not in it`);
  }

  async #add(content: ContentStore, member: ArchiveMember, ref: string): Promise<void> {
    const path = normalized(member.path);
    if (member.kind === 'symlink') this.#links.set(path, normalized(posix.join(posix.dirname(path), member.target)));
    else if (member.kind === 'hardlink') this.#links.set(path, normalized(member.target));
    else if (member.kind === 'file' && DOCUMENTS.has(path)) this.#documents.set(path, await readWhole(member));
    else if (member.kind === 'file') this.#files.set(path, await storeFile(content, member, digestInPath(path), ref));
  }
}

/** The path without its `./`; one that leads out of the archive can name nothing in it. */
function normalized(path: string): string {
  return posix.normalize(path).replace(/^\/+/, '').replace(/\/$/, '');
}

/** What `blobs/<algorithm>/<hex>` of an OCI layout must have. */
function digestInPath(path: string): Digest | undefined {
  const [folder, algorithm, hex, ...rest] = path.split('/');
  const digest = `${String(algorithm)}:${String(hex)}`;
  return folder === 'blobs' && rest.length === 0 && isDigest(digest) ? digest : undefined;
}

async function readWhole({ path, size, data }: ArchiveMember): Promise<Buffer> {
  if (size > DOCUMENT_BYTES_MAX)
    throw refused(`${path} has ${size} bytes, more than the ${DOCUMENT_BYTES_MAX} allowed`);
  const parts: Uint8Array[] = [];
  for await (const part of data) parts.push(part);
  return Buffer.concat(parts);
}

async function storeFile(
  content: ContentStore,
  { size, data }: ArchiveMember,
  digest: Digest | undefined,
  ref: string,
): Promise<StoredFile> {
  try {
    return await storeBytes(content, ref, data, { size, ...(digest !== undefined && { digest }) });
  } catch (error) {
    if (digest === undefined || !isKind(error, 'already-exists')) throw error;
    return { digest, size };
  }
}

/**
 * Stores bytes under their digest; what was begun goes when it fails.
 *
 * @throws already-exists: the expected digest is there. failed-precondition: another size or digest than expected.
 */
export async function storeBytes(
  content: ContentStore,
  ref: string,
  data: AsyncIterable<Uint8Array>,
  expected: { readonly size?: number; readonly digest?: Digest } = {},
  labels: Readonly<Record<string, string>> = {},
): Promise<StoredFile> {
  const writer = await content.writer(ref, expected);
  try {
    // Another namespace may have it, but only those who have the bytes may have it here.
    await writer.truncate(0);
    for await (const part of data) await writer.write(part);
    const digest = writer.digest();
    const size = writer.status().offset;
    try {
      await writer.commit(expected, labels);
    } catch (error) {
      if (!isKind(error, 'already-exists')) throw error;
    }
    return { digest, size };
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    await content.abort(ref).catch((cause: unknown) => {
      if (!isKind(cause, 'not-found')) throw cause;
    });
    throw error;
  }
}

/** An archive that is no image archive. */
export function refused(why: string): DaemonError {
  return new DaemonError('invalid-argument', `the archive can't be imported: ${why}`);
}
