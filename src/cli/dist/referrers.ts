import { listReferrers } from '../../client/remotes.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { REGISTRY_OPTIONS, registryAccessOf } from '../shared/credentials.js';
import { flag, text } from '../shared/options.js';
import { oneLine } from '../shared/out.js';
import { fullName } from '../shared/reference.js';
import { formatBytes } from '../shared/units.js';

export const referrers = defineCommand({
  usage: 'referrers <ref>',
  summary: 'List what refers to an image at its registry: signatures, attestations and the like',
  options: {
    ...REGISTRY_OPTIONS,
    artifactType: text('--artifact-type <type>', 'only those of this type'),
    quiet: flag('-q, --quiet', 'digests only'),
    json: flag('--json', 'everything as one JSON array'),
  },
  async run({ args, options, session, io, out, signal }) {
    const name = fullName(only(args), out);
    const { artifactType, quiet, json } = options;
    const found = await listReferrers(session(), name, { ...registryAccessOf(options, io), artifactType, signal });
    if (json) out.line(JSON.stringify(found));
    else if (quiet) for (const { digest } of found) out.line(digest);
    else {
      const rows = found.map(({ digest, artifactType: type, size }) => [
        digest,
        oneLine(type) || '-',
        formatBytes(size),
      ]);
      out.table([['DIGEST', 'TYPE', 'SIZE'], ...rows]);
    }
    return 0;
  },
});
