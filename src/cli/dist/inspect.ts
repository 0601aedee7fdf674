import { HOST_PLATFORM } from '../../client/platforms.js';
import { digestOf } from '../../spec/digest.js';
import { parseManifest } from '../../spec/manifest.js';
import { defineCommand } from '../shared/command.js';
import { chosen, DOCUMENT_OPTIONS, openImage, parseJson } from './image-documents.js';

export const inspect = defineCommand({
  usage: 'inspect <ref>',
  summary: "Tell what an image is, as JSON: its manifest and config, for this machine's platform by default",
  options: DOCUMENT_OPTIONS,
  async run(context) {
    const { name, root, read } = await openImage(context);
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
  options: DOCUMENT_OPTIONS,
  async run(context) {
    const { name, root, read } = await openImage(context);
    const { platform } = context.options;
    const { bytes } = platform === undefined ? root : await chosen(root, platform, name, read);
    await context.out.bytes(bytes);
    return 0;
  },
});
