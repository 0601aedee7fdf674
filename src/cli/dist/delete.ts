import { deleteContent } from '../../client/content.js';
import { parseDigest } from '../../spec/digest.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';

export const remove = defineCommand({
  usage: 'delete <digest...>',
  aliases: ['del', 'remove', 'rm'],
  summary: 'Delete blobs; one that is gone already is no error',
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (digest) => {
      if (await deleteContent(session(), parseDigest(digest), signal)) out.line(digest);
    }),
});
