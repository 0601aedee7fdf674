import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { flushDirectory, writeDurably } from '../../base/durable.js';
import { DaemonError, isErrno, isKind, undefinedIfMissing } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import type { ContentStore } from '../../core/content/content-store.js';
import { verified } from '../../core/content/verified.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Pusher, PushOptions, PushOutcome } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, hexOf, type Digest } from '../../spec/digest.js';
import { openJson } from '../../spec/document.js';
import { NAME_ANNOTATIONS } from '../../spec/image-names.js';
import { parseIndex } from '../../spec/index-document.js';
import { kindOfMedia, MEDIA_TYPES } from '../../spec/media-types.js';
import type { PlaceName } from '../../spec/place-name.js';
import { LayoutDrafts } from './layout-drafts.js';
import { openRegular, partOf, readAll, type ImageFiles } from './image-files.js';
import type { PlaceDriver } from './place-resolver.js';

export const LAYOUT_FILE = 'oci-layout';
export const INDEX_FILE = 'index.json';
export const LAYOUT_VERSION = '1.0.0';

const BLOBS = 'blobs';

/** Where an object of a layout is (image-spec image-layout.md). */
export const blobPath = (digest: Digest): string => join(BLOBS, algorithmOf(digest), hexOf(digest));

/** Directories in the form of the OCI image layout. */
export class OciLayouts implements PlaceDriver {
  /** One writer of a layout's own files at a time; another program's is the other program's matter. */
  readonly #writing = new Semaphore(1);
  readonly #drafts: LayoutDrafts;

  constructor(lockFile: Descriptors['lockFile']) {
    this.#drafts = new LayoutDrafts(lockFile);
  }

  async read(path: string): Promise<ImageFiles> {
    await checkLayout(path);
    return {
      manifests: (await readIndex(path)).manifests,
      open: async (digest) => {
        const file = await openRegular(join(path, blobPath(digest)), true);
        return partOf(file, 0, (await file.stat()).size, `${path}: ${digest}`);
      },
    };
  }

  async pusher({ path, object }: PlaceName, name: string): Promise<Pusher> {
    if (object.includes('@')) {
      throw new DaemonError('invalid-argument', `${name}: what is written there gets a tag; give one in place of @`);
    }
    await this.#writing.run(async () => {
      await prepareLayout(path);
      await this.#drafts.sweep(join(path, BLOBS));
    });
    return {
      push: (target, content, options = {}) => this.#push(path, object, { target, content, options }),
    };
  }

  async #push(
    path: string,
    tag: string,
    what: { readonly target: Descriptor; readonly content: ContentStore; readonly options: PushOptions },
  ): Promise<PushOutcome> {
    const { target, options } = what;
    const outcome = await writeBlob(this.#drafts, path, what);
    const kind = kindOfMedia(target.mediaType);
    if (options.named === true && (kind === 'manifest' || kind === 'index')) {
      await this.#writing.run(() => nameInIndex(path, tag, target));
    }
    return outcome;
  }
}

async function checkLayout(path: string): Promise<void> {
  const text = await readDocument(join(path, LAYOUT_FILE)).catch((cause: unknown) => {
    if (!isKind(cause, 'not-found')) throw cause;
    throw new DaemonError('not-found', `${path} is no OCI layout: it has no file ${LAYOUT_FILE}`, { cause });
  });
  const version = openJson(text, join(path, LAYOUT_FILE)).text('imageLayoutVersion');
  if (version === LAYOUT_VERSION) return;
  const quoted = JSON.stringify(version.slice(0, 64));
  throw new DaemonError(
    'invalid-argument',
    `${path} is an OCI layout of version ${quoted}, only ${LAYOUT_VERSION} is known`,
  );
}

async function readIndex(path: string): Promise<ReturnType<typeof parseIndex>> {
  const file = join(path, INDEX_FILE);
  return parseIndex(await readDocument(file), MEDIA_TYPES.ociIndex, file);
}

async function readDocument(path: string): Promise<Buffer> {
  const file = await openRegular(path, false);
  await using part = partOf(file, 0, (await file.stat()).size, path);
  return await readAll(part, path);
}

/** Makes the directory a layout; one that has something else in it is left alone. */
async function prepareLayout(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  const there = await readdir(path);
  if (there.includes(LAYOUT_FILE)) await checkLayout(path);
  else if (there.length > 0) {
    throw new DaemonError(
      'failed-precondition',
      `${path} is no OCI layout, and not empty: give an empty directory, or one that is not there yet`,
    );
  } else {
    await writeDurably(join(path, LAYOUT_FILE), JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }), 0o644);
  }
}

async function writeBlob(
  drafts: LayoutDrafts,
  path: string,
  {
    target,
    content,
    options,
  }: { readonly target: Descriptor; readonly content: ContentStore; readonly options: PushOptions },
): Promise<PushOutcome> {
  const { digest, size } = target;
  const { signal, onProgress } = options;
  const blob = join(path, blobPath(digest));
  if ((await sizeOf(blob)) === size) return 'exists';
  const folder = join(path, BLOBS, algorithmOf(digest));
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await using source = await content.open(digest, signal);
  try {
    await drafts.write(join(path, BLOBS), blob, async (file) => {
      let offset = 0;
      for await (const bytes of verified(bytesOf(source.chunks({}, signal)), target)) {
        await file.writeFile(bytes);
        offset += bytes.length;
        onProgress?.(offset);
      }
    });
  } catch (cause) {
    if (!isErrno(cause, 'ENOSPC') && !isErrno(cause, 'EDQUOT')) throw cause;
    throw new DaemonError('resource-exhausted', `no space left on the file system of ${path}: free some`, { cause });
  }
  await flushDirectory(folder);
  return 'pushed';
}

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncIterable<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (
    await stat(path).catch((cause: unknown) => {
      if (isErrno(cause, 'ENOENT')) return undefined;
      throw cause;
    })
  )?.size;
}

/** The tag means this one from now on; all else in the index stays as it was written. */
async function nameInIndex(path: string, tag: string, { mediaType, digest, size }: Descriptor): Promise<void> {
  const file = join(path, INDEX_FILE);
  const text = await readDocument(file).catch(undefinedIfMissing);
  // What can't be read by the rules is not written to.
  if (text) parseIndex(text, MEDIA_TYPES.ociIndex, file);
  const before = (text ? JSON.parse(text.toString()) : EMPTY_INDEX) as RawIndex;
  const others = before.manifests.filter(({ annotations }) => annotations?.[NAME_ANNOTATIONS.reference] !== tag);
  const named = { mediaType, digest, size, annotations: { [NAME_ANNOTATIONS.reference]: tag } };
  await writeDurably(file, JSON.stringify({ ...before, manifests: [...others, named] }), 0o644);
}

interface RawIndex {
  readonly manifests: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
}

const EMPTY_INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
