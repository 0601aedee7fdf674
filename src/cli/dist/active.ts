import { listIngests, type Ingest } from '../../client/content.js';
import { defineCommand } from '../shared/command.js';
import { parseDurationMs, text } from '../shared/options.js';
import { formatAge, formatBytes } from '../shared/units.js';

export const active = defineCommand({
  usage: 'active [key...]',
  summary: 'List the ingests under way, or those with a key',
  options: { timeout: text('-t, --timeout <time>', 'give up after this time', parseDurationMs) },
  async run({ args: keys, options, session, out, signal }) {
    const limit =
      options.timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(options.timeout)]);
    const ingests = await listIngests(session(), [], limit);
    const rows = ingests.filter(({ ref }) => keys.length === 0 || keys.includes(ref));
    out.table([['REF', 'SIZE', 'AGE'], ...rows.map(cells)]);
    return 0;
  },
});

function cells({ ref, offset, total, startedAt }: Ingest): readonly string[] {
  const size = total > 0 ? `${formatBytes(offset)}/${formatBytes(total)}` : formatBytes(offset);
  return [ref, size, formatAge(Date.now() - startedAt.getTime())];
}
