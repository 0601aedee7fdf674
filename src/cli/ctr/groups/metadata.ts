import { randomUUID } from 'node:crypto';
import { LABELS } from '../../../spec/labels.js';
import { forEach, only } from '../../shared/arguments.js';
import { defineCommand } from '../../shared/command.js';
import { flag, parseDurationMs, text } from '../../shared/options.js';
import { formatLabels, labelPaths, LIST_OPTIONS, parseLabels, showList } from './listing.js';

const DAY_MS = 24 * 60 * 60 * 1000;

const leasesLs = defineCommand({
  usage: 'leases list [filter...]',
  aliases: ['ls'],
  summary: 'List the leases: what keeps objects from collection',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const service = session().service('containerd.services.leases.v1.Leases');
    const { leases } = await service.list({ filters: [...args] }, { signal });
    const rows = leases.map(({ id, created_at: created, labels }) => {
      const createdAt = new Date(Number(created?.seconds ?? 0) * 1000).toISOString();
      return { name: id, cells: [id, createdAt, formatLabels(labels)], value: { id, createdAt, labels } };
    });
    return showList(out, options, ['ID', 'CREATED AT', 'LABELS'], rows);
  },
});

const leasesCreate = defineCommand({
  usage: 'leases create [key=value...]',
  summary: 'Make a lease; prints its id',
  options: {
    id: text('--id <id>', 'made up unless it is given'),
    expires: text('-x, --expires <time>', 'such as 1h; a day unless it is given, 0 for never', parseDurationMs),
  },
  async run({ args, options, session, out, signal }) {
    const ms = options.expires ?? DAY_MS;
    const expiry = ms === 0 ? {} : { [LABELS.gcExpire]: new Date(Date.now() + ms).toISOString() };
    const id = options.id ?? randomUUID();
    const service = session().service('containerd.services.leases.v1.Leases');
    await service.create({ id, labels: { ...parseLabels(args), ...expiry } }, { signal });
    out.line(id);
    return 0;
  },
});

const leasesRm = defineCommand({
  usage: 'leases rm <id...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove leases',
  options: { sync: flag('--sync', 'wait until what only they kept is gone') },
  run: ({ args, options, session, out, signal }) =>
    forEach(args, out, async (id) => {
      await session().service('containerd.services.leases.v1.Leases').delete({ id, sync: options.sync }, { signal });
      out.line(id);
    }),
});

const namespacesLs = defineCommand({
  usage: 'namespaces list',
  aliases: ['ls'],
  summary: 'List the namespaces',
  options: LIST_OPTIONS,
  async run({ options, session, out, signal }) {
    const service = session().service('containerd.services.namespaces.v1.Namespaces');
    const { namespaces } = await service.list({}, { signal });
    const rows = namespaces.map(({ name, labels }) => {
      return { name, cells: [name, formatLabels(labels)], value: { name, labels } };
    });
    return showList(out, options, ['NAME', 'LABELS'], rows);
  },
});

const namespacesCreate = defineCommand({
  usage: 'namespaces create <name> [key=value...]',
  aliases: ['c'],
  summary: 'Make a namespace',
  async run({ args, session, signal }) {
    const namespace = { name: only(args), labels: parseLabels(args.slice(1)) };
    await session().service('containerd.services.namespaces.v1.Namespaces').create({ namespace }, { signal });
    return 0;
  },
});

const namespacesLabel = defineCommand({
  usage: 'namespaces label <name> [key=value...]',
  summary: 'Set labels, such as containerd.io/defaults/snapshotter=native; without a value one is taken away',
  async run({ args, session, signal }) {
    const labels = parseLabels(args.slice(1));
    const service = session().service('containerd.services.namespaces.v1.Namespaces');
    await service.update(
      { namespace: { name: only(args), labels }, update_mask: { paths: labelPaths(labels) } },
      { signal },
    );
    return 0;
  },
});

const namespacesRm = defineCommand({
  usage: 'namespaces rm <name...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove namespaces that have nothing in them',
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (name) => {
      await session().service('containerd.services.namespaces.v1.Namespaces').delete({ name }, { signal });
      out.line(name);
    }),
});

const pluginsLs = defineCommand({
  usage: 'plugins list [filter...]',
  aliases: ['ls'],
  summary: 'List what the daemon is made of',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const service = session().service('containerd.services.introspection.v1.Introspection');
    const { plugins } = await service.plugins({ filters: [...args] }, { signal });
    const rows = plugins.map(({ type, id, platforms, init_err: error, exports, capabilities }) => {
      const names = platforms.map(({ os, architecture }) => `${os}/${architecture}`);
      const status = error ? 'error' : 'ok';
      const cells = [type, id, names.join(',') || '-', status];
      return { name: id, cells, value: { type, id, platforms: names, status, exports, capabilities } };
    });
    return showList(out, options, ['TYPE', 'ID', 'PLATFORMS', 'STATUS'], rows);
  },
});

/** What containerd's users type after `ctr leases`, `ctr namespaces` and `ctr plugins`. */
export const METADATA = [
  ...[leasesLs, leasesCreate, leasesRm],
  ...[namespacesLs, namespacesCreate, namespacesLabel, namespacesRm, pluginsLs],
];
