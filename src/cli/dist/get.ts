import { readContent } from '../../client/content.js';
import { parseDigest } from '../../spec/digest.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';

export const get = defineCommand({
  usage: 'get <digest>',
  summary: 'Write a stored blob to stdout',
  async run({ args, session, out, signal }) {
    for await (const bytes of readContent(session(), parseDigest(only(args)), signal)) await out.bytes(bytes);
    return 0;
  },
});
