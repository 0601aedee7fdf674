import { diskUsage, type UsageSizes } from '../../client/disk-usage.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { formatBytes } from '../shared/units.js';

export const df = defineCommand({
  usage: 'df',
  summary: 'Tell what the images take, and what is on disk in all',
  details:
    'PACKED is content, UNPACKED are layers; SHARED is what more than one image has of both, UNIQUE what only this one has. RECLAIMABLE ' +
    'is what removing this name alone would free; in TOTAL, what removing all images that no container uses would.',
  options: { json: flag('--json', 'everything as one JSON object, sizes in bytes') },
  async run({ options, session, out, signal }) {
    const report = await diskUsage(session(), signal);
    if (options.json) {
      out.line(JSON.stringify(report));
      return 0;
    }
    const { images, total, garbage, disk } = report;
    out.table([
      ['IMAGE', 'PACKED', 'UNPACKED', 'SHARED', 'UNIQUE', 'RECLAIMABLE'],
      ...images.map((image) => [image.name, ...cells(image)]),
      ['TOTAL', ...cells(total)],
    ]);
    out.line();
    out.table([
      ['ON DISK', 'COUNT', 'SIZE'],
      ...Object.entries(disk).map(([kind, { count, size }]) => [kind, String(count), formatBytes(size)]),
    ]);
    if (garbage > 0) out.note(`${formatBytes(garbage)} that nothing needs: "dist gc" frees them now`);
    return 0;
  },
});

function cells({ packed, unpacked, shared, unique, reclaimable }: UsageSizes): readonly string[] {
  return [packed, unpacked, shared, unique, reclaimable].map(formatBytes);
}
