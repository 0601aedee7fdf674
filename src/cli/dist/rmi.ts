import { removeImage } from '../../client/images.js';
import { storedName } from '../shared/reference.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';

export const rmi = defineCommand({
  usage: 'rmi <ref...>',
  summary: 'Remove images by name, and what only they kept',
  options: {
    force: flag('-f, --force', 'also when containers use it'),
    sync: flag('--sync', 'come back when the space is free'),
  },
  run: ({ args, options, session, out, signal }) =>
    forEach(args, out, async (ref) => {
      const name = await storedName(ref, { session, out, signal });
      await removeImage(session(), { name, force: options.force, sync: options.sync }, signal);
      out.line(name);
    }),
});
