import { DaemonError } from '../../base/errors.js';
import { readContent } from '../../client/content.js';
import { HOST_PLATFORM } from '../../client/platforms.js';
import { fetchObject } from '../../client/remotes.js';
import { digestOf, parseDigest, type Digest } from '../../spec/digest.js';
import { mediaTypeInDocument } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest } from '../../spec/manifest.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { formatPlatform, onlyPlatform, parsePlatform, type Platform } from '../../spec/platform.js';
import { parseReference } from '../../spec/reference.js';
import { only } from '../shared/arguments.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { flag, text, type OptionValues } from '../shared/options.js';
import { fullName } from '../shared/reference.js';

const OPTIONS = {
  ...REGISTRY_OPTIONS,
  remote: flag('--remote', 'ask the registry; nothing is stored'),
  platform: text('--platform <os/arch>', 'choose inside an index', parsePlatform),
};
type Context = CommandContext<OptionValues<typeof OPTIONS>>;

export const inspect = defineCommand({
  usage: 'inspect <ref>',
  summary: "Tell what an image is, as JSON: its manifest and config, for this machine's platform by default",
  options: OPTIONS,
  async run(context) {
    const { name, root, read } = await open(context);
    const platform = context.options.platform ?? HOST_PLATFORM;
    const manifest = await chosen(root, platform, name, read);
    const { mediaType } = manifest;
    const parsed = parseManifest(manifest.bytes, mediaType, name);
    const config = parseJson(await read(parsed.config.digest));
    const size = [parsed.config, ...parsed.layers].reduce((sum, part) => sum + part.size, manifest.bytes.length);
    const index = root === manifest ? {} : { index: digestOf(root.bytes) };
    const told = { name, digest: digestOf(manifest.bytes), mediaType, ...index, size };
    context.out.line(JSON.stringify({ ...told, manifest: parseJson(manifest.bytes), config }, null, 2));
    return 0;
  },
});

export const manifest = defineCommand({
  usage: 'manifest <ref>',
  summary: 'Write the manifest or index of an image to stdout, byte by byte',
  options: OPTIONS,
  async run(context) {
    const { name, root, read } = await open(context);
    const { platform } = context.options;
    const { bytes } = platform === undefined ? root : await chosen(root, platform, name, read);
    await context.out.bytes(bytes);
    return 0;
  },
});

/** A manifest or index. */
interface Document {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

type Read = (digest: Digest) => Promise<Buffer>;

async function open(
  context: Context,
): Promise<{ readonly name: string; readonly root: Document; readonly read: Read }> {
  const name = fullName(only(context.args), context.out);
  const read = context.options.remote ? remoteReader(context, name) : localReader(context);
  const bytes = context.options.remote
    ? await remoteObject(context, name)
    : await read(await localTarget(context, name));
  return { name, root: document(bytes, name), read };
}

function localReader({ session, signal }: Context): Read {
  return (digest) => whole(readContent(session(), digest, signal));
}

async function localTarget({ session, signal }: Context, name: string): Promise<Digest> {
  const images = session().service('containerd.services.images.v1.Images');
  const { image } = await images.get({ name }, { signal });
  return parseDigest(image?.target?.digest ?? '');
}

function remoteReader(context: Context, name: string): Read {
  const { locator } = parseReference(name);
  return (digest) => remoteObject(context, `${locator}@${digest}`);
}

function remoteObject({ session, options, io, signal }: Context, ref: string): Promise<Buffer> {
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
async function chosen(root: Document, platform: Platform, name: string, read: Read): Promise<Document> {
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

function parseJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString());
}
