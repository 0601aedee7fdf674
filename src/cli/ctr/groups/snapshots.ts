import { layerBetween } from '../../../client/snapshot-diff.js';
import { unpackManifest } from '../../../client/rootfs.js';
import { parseDigest } from '../../../spec/digest.js';
import { rootLabels } from '../../../spec/labels.js';
import { MEDIA_TYPES } from '../../../spec/media-types.js';
import { forEach, only } from '../../shared/arguments.js';
import { defineCommand, type CommandContext } from '../../shared/command.js';
import { flag, text } from '../../shared/options.js';
import { formatBytes } from '../../shared/units.js';
import { formatLabels, labelPaths, LIST_OPTIONS, nth, parseLabels, showList, showObject } from './listing.js';

const DEFAULT_SNAPSHOTTER = 'overlayfs';

const snapshotterOption = {
  snapshotter: text('--snapshotter <name>', `${DEFAULT_SNAPSHOTTER} unless another is named`),
};

interface Chosen {
  readonly snapshotter: string | undefined;
}

const serviceOf = ({ session }: Pick<CommandContext<Chosen>, 'session'>) =>
  session().service('containerd.services.snapshots.v1.Snapshots');

const nameOf = ({ snapshotter }: Chosen): string => snapshotter ?? DEFAULT_SNAPSHOTTER;

async function infosOf({ session, options, signal, args }: CommandContext<Chosen>) {
  const request = { snapshotter: nameOf(options), filters: [...args] };
  const infos = [];
  for await (const { info } of serviceOf({ session }).list(request, { signal })) infos.push(...info);
  return infos;
}

const ls = defineCommand({
  usage: 'snapshots list [filter...]',
  aliases: ['ls'],
  summary: 'List the snapshots',
  options: { ...LIST_OPTIONS, ...snapshotterOption },
  async run(context) {
    const rows = (await infosOf(context)).map((info) => {
      const { name, parent, kind, labels } = info;
      const shown = kind.charAt(0) + kind.slice(1).toLowerCase();
      return { name, cells: [name, parent, shown], value: { name, parent, kind: shown, labels } };
    });
    return showList(context.out, context.options, ['KEY', 'PARENT', 'KIND'], rows);
  },
});

const tree = defineCommand({
  usage: 'snapshots tree',
  summary: 'Show which snapshots are built on which',
  options: snapshotterOption,
  async run(context) {
    const infos = await infosOf(context);
    const show = (parent: string, depth: number): void => {
      for (const { name } of infos.filter((info) => info.parent === parent)) {
        context.out.line(depth === 0 ? name : `${'  '.repeat(depth)}\\_ ${name}`);
        show(name, depth + 1);
      }
    };
    show('', 0);
    return 0;
  },
});

const usage = defineCommand({
  usage: 'snapshots usage [key...]',
  summary: 'What snapshots take on disk, without their parents',
  options: { ...LIST_OPTIONS, ...snapshotterOption, bytes: flag('-b, --bytes', 'sizes in bytes') },
  async run(context) {
    const { args, options, out, signal } = context;
    const keys = args.length > 0 ? args : (await infosOf(context)).map(({ name }) => name);
    const rows = [];
    for (const key of keys) {
      const { size, inodes } = await serviceOf(context).usage({ snapshotter: nameOf(options), key }, { signal });
      const cells = [key, options.bytes ? size : formatBytes(Number(size)), inodes];
      rows.push({ name: key, cells, value: { key, size: Number(size), inodes: Number(inodes) } });
    }
    return showList(out, options, ['KEY', 'SIZE', 'INODES'], rows);
  },
});

const info = defineCommand({
  usage: 'snapshots info <key>',
  summary: 'Print a snapshot as JSON',
  options: snapshotterOption,
  async run(context) {
    const { args, options, out, signal } = context;
    const request = { snapshotter: nameOf(options), key: only(args) };
    return showObject(out, (await serviceOf(context).stat(request, { signal })).info ?? {});
  },
});

interface WireMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** As the command that would mount it. */
const mountLine = ({ type, source, options }: WireMount, target: string): string =>
  `mount -t ${type} ${source} ${target}${options.length > 0 ? ` -o ${options.join(',')}` : ''}`;

const mounts = defineCommand({
  usage: 'snapshots mounts <target> <key>',
  aliases: ['mount', 'm'],
  summary: 'Print how a snapshot is mounted at a directory',
  options: { ...snapshotterOption, json: flag('--json', 'the mounts as JSON') },
  async run(context) {
    const { args, options, out, signal } = context;
    const request = { snapshotter: nameOf(options), key: nth(args, 1) };
    const found = (await serviceOf(context).mounts(request, { signal })).mounts;
    if (options.json) out.line(JSON.stringify(found));
    else for (const mount of found) out.line(mountLine(mount, nth(args, 0)));
    return 0;
  },
});

const making = (verb: 'prepare' | 'view', summary: string) =>
  defineCommand({
    usage: `snapshots ${verb} <key> [parent]`,
    summary,
    options: {
      ...snapshotterOption,
      target: text('-t, --target <directory>', 'print how it is mounted there'),
      json: flag('--json', 'print its mounts as JSON'),
    },
    async run(context) {
      const { args, options, out, signal } = context;
      const key = only(args);
      const labels = rootLabels(`ctr snapshots ${verb} ${key}`);
      const request = { snapshotter: nameOf(options), key, parent: args[1] ?? '', labels };
      const made = (await serviceOf(context)[verb](request, { signal })).mounts;
      if (options.json) out.line(JSON.stringify(made));
      const { target } = options;
      if (target !== undefined) for (const mount of made) out.line(mountLine(mount, target));
      return 0;
    },
  });

const prepare = making('prepare', 'Make a writable snapshot on a committed one, or an empty one');
const view = making('view', 'Make a read-only snapshot of a committed one');

const commit = defineCommand({
  usage: 'snapshots commit <name> <key>',
  summary: 'Freeze a writable snapshot under a name',
  options: snapshotterOption,
  async run(context) {
    const { args, options, signal } = context;
    const name = nth(args, 0);
    const labels = rootLabels(`ctr snapshots commit ${name}`);
    await serviceOf(context).commit({ snapshotter: nameOf(options), name, key: nth(args, 1), labels }, { signal });
    return 0;
  },
});

const label = defineCommand({
  usage: 'snapshots label <key> [key=value...]',
  summary: 'Set labels; without a value one is taken away',
  options: snapshotterOption,
  async run(context) {
    const { args, options, out, signal } = context;
    const labels = parseLabels(args.slice(1));
    const request = { snapshotter: nameOf(options), info: { name: only(args), labels } };
    const updated = await serviceOf(context).update(
      { ...request, update_mask: { paths: labelPaths(labels) } },
      { signal },
    );
    out.line(formatLabels(updated.info?.labels ?? {}));
    return 0;
  },
});

const rm = defineCommand({
  usage: 'snapshots rm <key...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove snapshots that nothing is built on',
  options: snapshotterOption,
  run: (context) =>
    forEach(context.args, context.out, async (key) => {
      await serviceOf(context).remove({ snapshotter: nameOf(context.options), key }, { signal: context.signal });
    }),
});

const unpack = defineCommand({
  usage: 'snapshots unpack <digest>',
  summary: 'Unpack the layers of a stored manifest; prints the chain ID',
  options: snapshotterOption,
  async run({ args, options, session, out, signal }) {
    out.line(await unpackManifest(session(), parseDigest(only(args)), { snapshotter: nameOf(options), signal }));
    return 0;
  },
});

const diff = defineCommand({
  usage: 'snapshots diff <from> [to]',
  summary:
    'Write what a snapshot has changed in another one as a layer to stdout; of one alone, what it has changed in its parent',
  options: {
    ...snapshotterOption,
    mediaType: text('--media-type <type>', `${MEDIA_TYPES.ociLayerGzip} unless another is named`),
    keep: flag('--keep', 'keep the layer in the content store too'),
  },
  async run(context) {
    const { args, options, session, out, signal } = context;
    const { snapshotter, mediaType = MEDIA_TYPES.ociLayerGzip, keep } = { ...options, snapshotter: nameOf(options) };
    const request = { snapshotter, from: only(args), to: args[1], mediaType, keep };
    for await (const bytes of layerBetween(session(), request, signal)) await out.bytes(bytes);
    return 0;
  },
});

/** What containerd's users type after `ctr snapshots`. */
export const SNAPSHOTS = [ls, tree, usage, info, mounts, prepare, view, commit, label, rm, unpack, diff];
