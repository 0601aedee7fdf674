import { collectGarbage } from '../../client/disk-usage.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { oneLine } from '../shared/out.js';
import { formatBytes } from '../shared/units.js';

export const gc = defineCommand({
  usage: 'gc',
  summary: 'Collect what nothing needs, in all namespaces, and tell what went',
  options: {
    dryRun: flag('--dry-run', 'only tell what would go'),
    json: flag('--json', 'everything as one JSON object'),
  },
  async run({ options, session, out, signal }) {
    const report = await collectGarbage(session(), { dryRun: options.dryRun, signal });
    if (options.json) {
      out.line(JSON.stringify(report));
      return 0;
    }
    const { removed, files, layers, size } = report;
    for (const { kind, namespace, key, snapshotter } of removed) {
      const words = [namespace, kind, ...(snapshotter === undefined ? [] : [snapshotter]), key];
      out.line(oneLine(words.join(' ')));
    }
    const verb = options.dryRun ? 'would go' : 'went';
    out.line(`${removed.length} names, ${files} files and ${layers} layers ${verb}: ${formatBytes(size)}`);
    return 0;
  },
});
