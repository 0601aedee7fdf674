import { collectGarbage } from '../../../client/disk-usage.js';
import { deleteContent, ingestContent, listContent, listIngests, readContent } from '../../../client/content.js';
import { parseDigest } from '../../../spec/digest.js';
import { bytesOf, forEach, only } from '../../shared/arguments.js';
import { defineCommand } from '../../shared/command.js';
import { editCommand } from '../../shared/commands/edit.js';
import { fetchCommand } from '../../shared/commands/fetch.js';
import { fetchObjectCommand } from '../../shared/commands/fetch-object.js';
import { pushObjectCommand } from '../../shared/commands/push-object.js';
import { flag, parseCount, text } from '../../shared/options.js';
import { formatAge, formatBytes } from '../../shared/units.js';
import { formatLabels, labelPaths, LIST_OPTIONS, parseLabels, showList } from './listing.js';

const ls = defineCommand({
  usage: 'content list [filter...]',
  aliases: ['ls'],
  summary: 'List the stored content',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const rows = [];
    for await (const content of listContent(session(), args, signal)) {
      const { digest, size, createdAt, labels } = content;
      const age = formatAge(Date.now() - createdAt.getTime());
      rows.push({ name: digest, cells: [digest, formatBytes(size), age, formatLabels(labels)], value: content });
    }
    return showList(out, options, ['DIGEST', 'SIZE', 'AGE', 'LABELS'], rows);
  },
});

const active = defineCommand({
  usage: 'content active [filter...]',
  summary: 'List what is being written',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const rows = (await listIngests(session(), args, signal)).map((ingest) => {
      const age = formatAge(Date.now() - ingest.startedAt.getTime());
      return { name: ingest.ref, cells: [ingest.ref, formatBytes(ingest.offset), age], value: ingest };
    });
    return showList(out, options, ['REF', 'SIZE', 'AGE'], rows);
  },
});

const get = defineCommand({
  usage: 'content get <digest>',
  summary: 'Write content to the standard output',
  async run({ args, session, out, signal }) {
    for await (const bytes of readContent(session(), parseDigest(only(args)), signal)) await out.bytes(bytes);
    return 0;
  },
});

const ingest = defineCommand({
  usage: 'content ingest <ref>',
  summary: 'Store the standard input; prints the digest',
  options: {
    expectedSize: text('--expected-size <bytes>', 'refuse another size', parseCount),
    expectedDigest: text('--expected-digest <digest>', 'refuse other bytes', parseDigest),
  },
  async run({ args, options, session, io, out, signal }) {
    const { expectedSize: size, expectedDigest: digest } = options;
    const request = { ref: only(args), size, digest, keptBy: `ctr content ingest ${only(args)}`, signal };
    out.line(await ingestContent(session(), request, bytesOf(io.stdin)));
    return 0;
  },
});

const rm = defineCommand({
  usage: 'content rm <digest...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Delete content',
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (digest) => {
      if (await deleteContent(session(), parseDigest(digest), signal)) out.line(digest);
      else out.note(`content ${digest} was not there`);
    }),
});

const label = defineCommand({
  usage: 'content label <digest> [key=value...]',
  summary: 'Set labels; without a value one is taken away',
  async run({ args, session, out, signal }) {
    const labels = parseLabels(args.slice(1));
    const { info } = await session()
      .service('containerd.services.content.v1.Content')
      .update(
        { info: { digest: parseDigest(only(args)), labels }, update_mask: { paths: labelPaths(labels) } },
        { signal },
      );
    out.line(formatLabels(info?.labels ?? {}));
    return 0;
  },
});

/** Of a manifest, to a layer; older ones number their layers from 1. */
const LAYER_REFERENCE = /^containerd\.io\/gc\.ref\.content\.(l\..*|[1-9]\d*)$/;

const prune = defineCommand({
  usage: 'content prune references',
  summary:
    'Let layers go that are unpacked: what refers to them from other content is taken away, and then they are collected',
  options: {
    async: flag('--async', 'do not wait for the collection'),
    dry: flag('--dry', 'only show what would be taken away'),
  },
  async run({ options, session, out, signal }) {
    const service = session().service('containerd.services.content.v1.Content');
    for await (const { digest, labels } of listContent(session(), [], signal)) {
      const keys = Object.keys(labels).filter((key) => LAYER_REFERENCE.test(key));
      if (keys.length === 0) continue;
      for (const key of keys) out.line(digest, key);
      if (options.dry) continue;
      const paths = keys.map((key) => `labels.${key}`);
      await service.update({ info: { digest, labels: {} }, update_mask: { paths } }, { signal });
    }
    if (!options.dry && !options.async) await collectGarbage(session(), { signal });
    return 0;
  },
});

/** What containerd's users type after `ctr content`. */
export const CONTENT = [
  ...[ls, active, get, ingest, rm, label, prune],
  ...[editCommand('ctr', 'content edit'), fetchCommand('content fetch')],
  ...[fetchObjectCommand('content fetch-object'), pushObjectCommand('content push-object')],
];
