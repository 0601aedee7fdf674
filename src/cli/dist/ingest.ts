import { ingestContent } from '../../client/content.js';
import { parseDigest } from '../../spec/digest.js';
import { bytesOf, only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { parseCount, text } from '../shared/options.js';

export const ingest = defineCommand({
  usage: 'ingest <key>',
  summary: 'Store what comes on stdin, and print its digest',
  options: {
    size: text('--expected-size <bytes>', 'refuse any other size', parseCount),
    digest: text('--expected-digest <digest>', 'refuse any other digest', parseDigest),
  },
  async run({ args, options, io, session, out, signal }) {
    const ref = only(args);
    const request = { ref, size: options.size, digest: options.digest, keptBy: `dist ingest ${ref}`, signal };
    out.line(await ingestContent(session(), request, bytesOf(io.stdin)));
    return 0;
  },
});
