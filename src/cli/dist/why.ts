import { explainObject, type Explanation, type KeptChain, type KeptObject } from '../../client/disk-usage.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { oneLine } from '../shared/out.js';
import { formatBytes } from '../shared/units.js';

export const why = defineCommand({
  usage: 'why <name>',
  summary: 'Tell who keeps content, a snapshot, an image or an ingest',
  details:
    'The name is a digest or its beginning, a key or chain ID of a snapshot, a ref of an ingest, or a name of an image. Every root ' +
    'that keeps it is told, with the way from it down to the object.',
  options: { json: flag('--json', 'everything as one JSON array') },
  async run({ args, options, session, out, signal }) {
    const found = await explainObject(session(), only(args), signal);
    if (options.json) out.line(JSON.stringify(found));
    else for (const line of found.flatMap(linesOf)) out.line(oneLine(line));
    return 0;
  },
});

function linesOf({ object, chains, moreChains, otherNamespaces, size }: Explanation): string[] {
  return [
    `${wordsOf(object)}, ${formatBytes(size)} of its own`,
    ...(chains.length === 0 ? ['  nothing keeps it: the next collection takes it'] : []),
    ...chains.flatMap(chainLines),
    ...(moreChains > 0 ? [`  and ${moreChains} more`] : []),
    ...(otherNamespaces.length > 0 ? [`  the same bytes are named in ${otherNamespaces.join(', ')}`] : []),
  ];
}

function chainLines({ links, reason, keptBy, keptSince }: KeptChain): string[] {
  const since = keptSince ? `, since ${keptSince.toISOString()}` : '';
  const by = keptBy === undefined ? '' : `, by "${keptBy}"`;
  return links.map((link, depth) => {
    const indent = '  '.repeat(depth + 1);
    if (depth > 0) return `${indent}${link.relation} -> ${wordsOf(link)}`;
    // Of an image, a container or a lease the kind says it all.
    return `${indent}kept by ${wordsOf(link)}${reason === link.kind ? '' : ` (${reason}${by}${since})`}`;
  });
}

function wordsOf({ kind, key, snapshotter }: KeptObject): string {
  return [kind, ...(snapshotter === undefined ? [] : [snapshotter]), key].join(' ');
}
