import { forEach } from '../../shared/arguments.js';
import { defineCommand } from '../../shared/command.js';
import { LIST_OPTIONS, showList } from './listing.js';

const SERVICE = 'wharfd.services.volumes.v1.VolumesService';

const volumeLs = defineCommand({
  usage: 'volume list',
  aliases: ['ls'],
  summary: 'List the named volumes',
  options: LIST_OPTIONS,
  async run({ options, session, out, signal }) {
    const { volumes } = await session().service(SERVICE).list({}, { signal });
    const rows = volumes.map(({ name, path, created_at: created }) => {
      const createdAt = new Date(Number(created?.seconds ?? 0) * 1000).toISOString();
      return { name, cells: [name, createdAt, path], value: { name, createdAt, path } };
    });
    return showList(out, options, ['NAME', 'CREATED AT', 'PATH'], rows);
  },
});

const volumeRm = defineCommand({
  usage: 'volume rm <name...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove named volumes with what is in them',
  options: {},
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (name) => {
      await session().service(SERVICE).remove({ name }, { signal });
    }),
});

/** `ctr volume …`. */
export const VOLUMES = [volumeLs, volumeRm];
