import { DaemonError } from '../../base/errors.js';
import type { FetchWait } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, hexOf, type Digest } from '../../spec/digest.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest } from '../../spec/manifest.js';
import { kindOfMedia, MEDIA_TYPES } from '../../spec/media-types.js';
import { readBounded } from './document-response.js';
import { failureOf } from './failure.js';
import type { RepositoryClient } from './repository-client.js';
import type { HttpResponse } from './http-messages.js';

const PAGES_MAX = 100;
/** Of one object; each may have annotations. */
const REFERRERS_MAX = 4096;
/** Registries that do not know the API say so in various ways. */
const WITHOUT_API = new Set([400, 404, 405, 501]);
const TAG_BYTES_MAX = 128;

interface Context {
  /** Names the thing in errors. */
  readonly what: string;
  readonly onWait?: ((wait: FetchWait) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What refers to an object of the repository: by the referrers API, or where the registry has none by the tag that stands for it
 * (OCI distribution-spec, "Listing Referrers" and "Referrers Tag Schema").
 *
 * @param artifactType Only those of this type.
 * @throws What the registry answers. resource-exhausted: over 100 pages, or 4096 in all.
 */
export async function listReferrers(
  client: RepositoryClient,
  subject: Digest,
  artifactType: string | undefined,
  context: Context,
): Promise<readonly Descriptor[]> {
  const found =
    (await byApi(client, subject, artifactType, context)) ?? (await byTag(client, subject, context)).manifests;
  return artifactType === undefined ? found : found.filter((each) => each.artifactType === artifactType);
}

/** Undefined: the registry does not know the API. */
async function byApi(
  client: RepositoryClient,
  subject: Digest,
  artifactType: string | undefined,
  context: Context,
): Promise<readonly Descriptor[] | undefined> {
  const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  let path: string | URL | undefined = `referrers/${subject}${filter}`;
  const found: Descriptor[] = [];
  for (let pages = 0; path !== undefined; pages += 1) {
    if (pages >= PAGES_MAX) {
      throw new DaemonError('resource-exhausted', `${context.what}: over ${PAGES_MAX} pages of referrers`);
    }
    const response: HttpResponse = await client.request({
      ...{ method: 'GET', path, accept: MEDIA_TYPES.ociIndex, serverErrors: 'answer' },
      ...context,
    });
    if (pages === 0 && WITHOUT_API.has(response.status)) {
      await response.discard();
      return undefined;
    }
    if (response.status !== 200) throw await failureOf(response, context.what);
    const next = nextPage(response.header('link'));
    path = next === undefined ? undefined : client.resolveLocation(next, response.url, context.what);
    found.push(...parseIndex(await readBounded(response, context.what), MEDIA_TYPES.ociIndex, context.what).manifests);
    if (found.length > REFERRERS_MAX) {
      throw new DaemonError('resource-exhausted', `${context.what}: over ${REFERRERS_MAX} referrers`);
    }
  }
  return found;
}

/** RFC 8288. */
function nextPage(link: string | undefined): string | undefined {
  return /<([^<>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1];
}

/** The tag that stands for the list: the digest with a `-`, in 128 characters. */
function tagFor(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject)}`.slice(0, TAG_BYTES_MAX);
}

async function byTag(
  client: RepositoryClient,
  subject: Digest,
  context: Context,
): Promise<{ readonly manifests: readonly Descriptor[]; readonly document: Record<string, unknown> }> {
  const path = `manifests/${tagFor(subject)}`;
  const response = await client.request({ method: 'GET', path, accept: MEDIA_TYPES.ociIndex, ...context });
  if (response.status === 404) {
    await response.discard();
    return { manifests: [], document: { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] } };
  }
  if (response.status !== 200) throw await failureOf(response, context.what);
  const bytes = await readBounded(response, context.what);
  const { manifests } = parseIndex(bytes, MEDIA_TYPES.ociIndex, context.what);
  return { manifests, document: JSON.parse(bytes.toString()) as Record<string, unknown> };
}

/**
 * Sees to it that a document that was pushed is listed with what it refers to; nothing for one without a subject.
 *
 * @param said The header OCI-Subject of the answer to the push: the registry lists it by itself then.
 */
export async function announceReferrer(
  client: RepositoryClient,
  target: Descriptor,
  bytes: Buffer,
  said: string | undefined,
  context: Context,
): Promise<void> {
  const isIndex = kindOfMedia(target.mediaType) === 'index';
  const { subject } = isIndex
    ? parseIndex(bytes, target.mediaType, context.what)
    : parseManifest(bytes, target.mediaType, context.what);
  if (subject === undefined || said !== undefined) return;
  if ((await byApi(client, subject.digest, undefined, context)) !== undefined) return;
  const { manifests, document } = await byTag(client, subject.digest, context);
  if (manifests.some(({ digest }) => digest === target.digest)) return;
  const entries = document['manifests'] as readonly unknown[];
  const body = JSON.stringify({ ...document, manifests: [...entries, entryFor(target, bytes)] });
  const response = await client.request({
    ...{ method: 'PUT', path: `manifests/${tagFor(subject.digest)}`, body },
    headers: { 'content-type': MEDIA_TYPES.ociIndex },
    ...context,
  });
  if (response.status !== 201 && response.status !== 200) throw await failureOf(response, context.what);
  await response.discard();
}

/** Its descriptor, with the type and the annotations of the document. */
function entryFor({ mediaType, digest, size }: Descriptor, bytes: Buffer): object {
  const { artifactType, config, annotations } = JSON.parse(bytes.toString()) as {
    artifactType?: string;
    config?: { mediaType?: string };
    annotations?: Record<string, string>;
  };
  const type = artifactType ?? config?.mediaType;
  return {
    mediaType,
    digest,
    size,
    ...(type !== undefined && { artifactType: type }),
    ...(annotations && { annotations }),
  };
}
