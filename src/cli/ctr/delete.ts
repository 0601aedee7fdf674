import { DaemonError } from '../../base/errors.js';
import { removeContainer } from '../../client/execution.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';

export const remove = defineCommand({
  usage: 'delete [container...]',
  aliases: ['del', 'remove', 'rm'],
  summary: 'Delete containers, with their tasks and snapshots',
  options: {
    id: text('--id <id>', 'the container'),
    force: flag('-f, --force', 'kill what still runs'),
  },
  async run({ args, options, session, out, signal }) {
    const ids = options.id === undefined ? args : [options.id, ...args];
    if (ids.length === 0)
      throw new DaemonError('invalid-argument', 'which container? Give its id ("ctr list" shows them)');
    return forEach(ids, out, async (id) => {
      await removeContainer(session(), { id, force: options.force }, signal);
      out.line(id);
    });
  },
});
