import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import { readVerified } from '../../core/content/verified.js';
import type { FetchOptions, Fetcher, Pusher, Referrers, Resolved, Resolver } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { isDigest, type Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, mediaTypeInDocument } from '../../spec/document.js';
import { NAME_ANNOTATIONS } from '../../spec/image-names.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest } from '../../spec/manifest.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { placeOf, type PlaceName } from '../../spec/place-name.js';
import type { ImageFiles, ObjectFile } from './image-files.js';

const NAMES_TOLD = 10;

/** How one kind of places is read and written. */
export interface PlaceDriver {
  read(path: string, signal?: AbortSignal): Promise<ImageFiles>;
  pusher(place: PlaceName, name: string): Promise<Pusher>;
}

/** Resolves names of places (spec/place-name.ts) by what their files say. */
export function placeResolver(driver: PlaceDriver): Resolver {
  const resolve = async (name: string, signal?: AbortSignal): Promise<Resolved> => {
    const place = neededPlace(name);
    const files = await driver.read(place.path, signal);
    const found = await chosen(files, place, name);
    const target = await verifiedTarget(files, found, name, signal);
    return {
      ...{ name, target, fetcher: new PlaceFetcher(files) },
      referrers: (how = {}) => referrersIn(files, target.digest, how),
    };
  };
  return {
    resolve: (name, { signal } = {}) => resolve(name, signal),
    async referrers(name, options = {}): Promise<Referrers> {
      const resolved = await resolve(name, options.signal);
      return { name, target: resolved.target, referrers: await resolved.referrers(options) };
    },
    pusher: (name) => driver.pusher(neededPlace(name), name),
    authenticate: (host) =>
      Promise.reject(new DaemonError('failed-precondition', `${host} is a place on this machine and wants no login`)),
  };
}

function neededPlace(name: string): PlaceName {
  const place = placeOf(name);
  if (place) return place;
  throw new DaemonError('internal', `${name} is no place on this machine`);
}

/** The one of that name, or of that digest. */
async function chosen(files: ImageFiles, { object }: PlaceName, name: string): Promise<Descriptor> {
  const at = object.indexOf('@');
  const [tag, digest] = at < 0 ? [object, undefined] : [object.slice(0, at), object.slice(at + 1)];
  if (digest !== undefined) {
    if (!isDigest(digest)) throw new DaemonError('invalid-argument', `${name}: what follows the @ is no whole digest`);
    const listed = files.manifests.find((each) => each.digest === digest);
    return listed ?? (await unlisted(files, digest));
  }
  const named = files.manifests.filter((each) => namesOf(each).includes(tag));
  const [first] = named;
  if (first && named.every((each) => each.digest === first.digest)) return first;
  if (first)
    throw new DaemonError('invalid-argument', `${name}: ${named.length} different images there have that name`);
  const there = [...new Set(files.manifests.flatMap(namesOf))];
  const told = there.slice(0, NAMES_TOLD).join(', ') + (there.length > NAMES_TOLD ? ', …' : '');
  const what = there.length === 0 ? 'its images have no names: give @ and a digest' : `there are: ${told}`;
  throw new DaemonError('not-found', `${name}: not found; ${what}`);
}

async function unlisted(files: ImageFiles, digest: Digest): Promise<Descriptor> {
  await using file = await files.open(digest);
  return { mediaType: '', digest, size: file.size };
}

function namesOf({ annotations }: Descriptor): readonly string[] {
  return [annotations?.[NAME_ANNOTATIONS.reference], annotations?.[NAME_ANNOTATIONS.image]].filter(
    (each) => each !== undefined,
  );
}

/** Reads the document, so that what is told of it is what it says. */
async function verifiedTarget(
  files: ImageFiles,
  found: Descriptor,
  name: string,
  signal?: AbortSignal,
): Promise<Descriptor> {
  await using file = await files.open(found.digest);
  const { digest, size, platform } = found;
  const bytes = await readVerified(file.chunks(0, signal), { ...found, size: file.size }, DOCUMENT_BYTES_MAX);
  if (file.size !== size) {
    throw new DaemonError('data-loss', `${name}: ${digest} has ${file.size} bytes, but its index says ${size}`);
  }
  const mediaType = mediaTypeInDocument(bytes, name) ?? (found.mediaType || 'application/octet-stream');
  const kind = kindOfMedia(mediaType);
  if (kind === 'manifest') parseManifest(bytes, mediaType, name);
  if (kind === 'index') parseIndex(bytes, mediaType, name);
  return { mediaType, digest, size, ...(platform && { platform }) };
}

class PlaceFetcher implements Fetcher {
  readonly #files: ImageFiles;

  constructor(files: ImageFiles) {
    this.#files = files;
  }

  async *fetch({ digest, size }: Descriptor, { from = 0, signal }: FetchOptions = {}): AsyncIterable<Uint8Array> {
    await using file = await this.#files.open(digest);
    if (file.size !== size) {
      throw new DaemonError('data-loss', `${digest} has ${file.size} bytes there, but the image says ${size}`);
    }
    yield* file.chunks(from, signal);
  }
}

/** A place has no list of what refers to what: the documents that its index names are asked. */
async function referrersIn(
  files: ImageFiles,
  subject: Digest,
  { artifactType, signal }: { readonly artifactType?: string; readonly signal?: AbortSignal },
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for (const each of files.manifests) {
    const file = await files.open(each.digest).catch(undefinedIfMissing);
    if (!file) continue;
    await using _ = file;
    const referrer = await referrerIn(file, each, subject, signal);
    if (referrer && (artifactType === undefined || referrer.artifactType === artifactType)) found.push(referrer);
  }
  return found;
}

async function referrerIn(
  file: ObjectFile,
  { digest, mediaType: said }: Descriptor,
  subject: Digest,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  if (file.size > DOCUMENT_BYTES_MAX) return undefined;
  const target = { mediaType: said, digest, size: file.size };
  const bytes = await readVerified(file.chunks(0, signal), target, DOCUMENT_BYTES_MAX);
  const mediaType = mediaTypeInDocument(bytes, digest) ?? said;
  const kind = kindOfMedia(mediaType);
  if (kind !== 'manifest' && kind !== 'index') return undefined;
  const read = kind === 'manifest' ? parseManifest(bytes, mediaType, digest) : parseIndex(bytes, mediaType, digest);
  if (read.subject?.digest !== subject) return undefined;
  const artifactType = read.artifactType ?? ('config' in read ? read.config.mediaType : mediaType);
  return { ...target, mediaType, artifactType, ...(read.annotations && { annotations: read.annotations }) };
}
