import { listContent, type StoredContent } from '../../client/content.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { formatAge, formatBytes } from '../shared/units.js';

export const list = defineCommand({
  usage: 'list [prefix...]',
  aliases: ['ls'],
  summary: 'List the stored blobs, or those whose digest begins with a prefix',
  options: { quiet: flag('-q, --quiet', 'digests only') },
  async run({ args: prefixes, options, session, out, signal }) {
    const rows: StoredContent[] = [];
    for await (const blob of listContent(session(), [], signal)) {
      if (prefixes.length === 0 || prefixes.some((prefix) => matches(blob.digest, prefix))) rows.push(blob);
    }
    if (options.quiet) for (const { digest } of rows) out.line(digest);
    else out.table([['DIGEST', 'SIZE', 'AGE'], ...rows.map(cells)]);
    return 0;
  },
});

/** A prefix may leave out the algorithm, as people copy digests. */
function matches(digest: string, prefix: string): boolean {
  return digest.startsWith(prefix) || digest.slice(digest.indexOf(':') + 1).startsWith(prefix);
}

function cells({ digest, size, createdAt }: StoredContent): readonly string[] {
  return [digest, formatBytes(size), formatAge(Date.now() - createdAt.getTime())];
}
