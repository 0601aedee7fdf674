import { DaemonError } from '../../base/errors.js';
import { readContent } from '../../client/content.js';
import { fetchObject } from '../../client/remotes.js';
import { parseDigest, type Digest } from '../../spec/digest.js';
import { mediaTypeInDocument } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { formatPlatform, onlyPlatform, parsePlatform, type Platform } from '../../spec/platform.js';
import { parseReference } from '../../spec/reference.js';
import { only } from '../shared/arguments.js';
import type { CommandContext } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { flag, text, type OptionValues } from '../shared/options.js';
import { fullName, storedName } from '../shared/reference.js';

/** Options of the commands that look at what an image says of itself. */
export const DOCUMENT_OPTIONS = {
  ...REGISTRY_OPTIONS,
  remote: flag('--remote', 'ask the registry; nothing is stored'),
  platform: text('--platform <os/arch>', 'choose inside an index', parsePlatform),
};
type DocumentContext = CommandContext<OptionValues<typeof DOCUMENT_OPTIONS>>;

/** A manifest or index. */
export interface Document {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

export type Read = (digest: Digest) => Promise<Buffer>;

/** The image of the command's argument, as it is here, or at its registry with `--remote`. */
export async function openImage(
  context: DocumentContext,
): Promise<{ readonly name: string; readonly root: Document; readonly read: Read }> {
  const typed = only(context.args);
  const name = context.options.remote ? fullName(typed, context.out) : await storedName(typed, context);
  const read = context.options.remote ? remoteReader(context, name) : localReader(context);
  const bytes = context.options.remote
    ? await remoteObject(context, name)
    : await read(await localTarget(context, name));
  return { name, root: document(bytes, name), read };
}

function localReader({ session, signal }: DocumentContext): Read {
  return (digest) => whole(readContent(session(), digest, signal));
}

async function localTarget({ session, signal }: DocumentContext, name: string): Promise<Digest> {
  const images = session().service('containerd.services.images.v1.Images');
  const { image } = await images.get({ name }, { signal });
  return parseDigest(image?.target?.digest ?? '');
}

function remoteReader(context: DocumentContext, name: string): Read {
  const { locator } = parseReference(name);
  return (digest) => remoteObject(context, `${locator}@${digest}`);
}

function remoteObject({ session, options, io, signal }: DocumentContext, ref: string): Promise<Buffer> {
  return whole(fetchObject(session(), ref, { ...registryAccessOf(options, io), signal }));
}

async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of pieces) parts.push(bytes);
  return Buffer.concat(parts);
}

function document(bytes: Buffer, name: string): Document {
  const mediaType = mediaTypeInDocument(bytes, name);
  if (mediaType !== undefined) return { bytes, mediaType };
  throw new DaemonError('invalid-argument', `${name} is neither a manifest nor an index; "dist get" shows what it is`);
}

/** Descends through indexes to the manifest that fits the platform best. */
export async function chosen(root: Document, platform: Platform, name: string, read: Read): Promise<Document> {
  if (kindOfMedia(root.mediaType) !== 'index') return root;
  const distance = onlyPlatform(platform);
  const fitting = parseIndex(root.bytes, root.mediaType, name)
    .manifests.map((entry) => ({ entry, far: entry.platform && distance(entry.platform) }))
    .filter(({ far }) => far !== undefined)
    .sort((a, b) => (a.far ?? 0) - (b.far ?? 0));
  const [best] = fitting;
  if (!best) {
    throw new DaemonError(
      'not-found',
      `${name}: no match for platform ${formatPlatform(platform)}; choose with --platform`,
    );
  }
  const { digest, mediaType } = best.entry;
  return { bytes: await read(digest), mediaType };
}

export function parseJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString());
}
