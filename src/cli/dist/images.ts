import { listImages, type ImageSummary } from '../../client/images.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { formatBytes } from '../shared/units.js';

export const images = defineCommand({
  usage: 'images',
  summary: 'List the images; SIZE is what a push would send, UNPACKED what the layers take on disk',
  options: { quiet: flag('-q, --quiet', 'names only') },
  async run({ options, session, out, signal }) {
    const rows: ImageSummary[] = [];
    for await (const image of listImages(session(), signal)) rows.push(image);
    if (options.quiet) {
      for (const { name } of rows) out.line(name);
      return 0;
    }
    for (const { name, sizeError } of rows) {
      if (sizeError !== '') out.note(`image ${name}: its size can't be told: ${sizeError}`);
    }
    out.table([['REF', 'TYPE', 'DIGEST', 'SIZE', 'UNPACKED', 'PLATFORMS'], ...rows.map(cells)]);
    return 0;
  },
});

function cells({ name, mediaType, digest, packedSize, unpackedSize, platforms }: ImageSummary): readonly string[] {
  const unpacked = unpackedSize > 0 ? formatBytes(unpackedSize) : '-';
  return [name, mediaType, digest, formatBytes(packedSize), unpacked, platforms.join(',') || '-'];
}
