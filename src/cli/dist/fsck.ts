import { checkStores, type FsckFinding } from '../../client/fsck.js';
import { defineCommand } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { flag } from '../shared/options.js';
import { oneLine } from '../shared/out.js';

export const fsck = defineCommand({
  usage: 'fsck',
  summary: 'Check all content and all unpacked layers for lost and altered bytes',
  details:
    'Content is compared with its digests, layers with what was noted of them when they were unpacked. The exit code is 1 when there ' +
    'is something that is broken still. Containers that run keep the files they have open; start them again after a repair.',
  options: {
    repair: flag('--repair', 'fetch broken content from where it came, and unpack altered layers anew'),
    ...REGISTRY_OPTIONS,
    json: flag('--json', 'everything as one JSON object'),
  },
  async run({ options, session, io, out, signal }) {
    const report = await checkStores(session(), {
      ...registryAccessOf(options, io),
      repair: options.repair,
      onFinding: (finding) => {
        if (!options.json) for (const line of linesOf(finding)) out.line(oneLine(line));
      },
      signal,
    });
    const { findings, blobs, layers, uncheckedLayers, repaired } = report;
    if (options.json) out.line(JSON.stringify(report));
    else {
      const unchecked = uncheckedLayers > 0 ? ` (${uncheckedLayers} of them have no inventory to compare with)` : '';
      out.line(
        `${blobs} blobs and ${layers} layers${unchecked}: ${findings.length} broken, ${repaired} of them repaired`,
      );
    }
    return findings.length > repaired ? 1 : 0;
  },
});

function linesOf({ kind, name, problem, snapshotter, paths, pathCount, repaired, reason }: FsckFinding): string[] {
  const what = [kind, ...(snapshotter === undefined ? [] : [snapshotter]), name].join(' ');
  const outcome = repaired ? ', repaired' : reason === undefined ? '' : `, not repaired: ${reason}`;
  const more = pathCount - paths.length;
  return [
    `${what}: ${problem}${pathCount > 0 ? ` (${pathCount} paths)` : ''}${outcome}`,
    ...(repaired ? [] : paths.map((path) => `  /${path}`)),
    ...(!repaired && more > 0 ? [`  and ${more} more`] : []),
  ];
}
