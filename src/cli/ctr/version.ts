import { serverVersion } from '../../client/version.js';
import { VERSION } from '../../spec/version.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';

export const version = defineCommand({
  usage: 'version',
  summary: 'Print the versions of client and daemon',
  options: { json: flag('--json', 'as JSON') },
  async run({ options, session, out, signal }) {
    if (options.json) {
      out.line(JSON.stringify({ client: { version: VERSION }, server: await serverVersion(session(), signal) }));
      return 0;
    }
    out.line('Client:');
    out.line('  Version: ', VERSION);
    const server = await serverVersion(session(), signal);
    out.line('');
    out.line('Server:');
    out.line('  Version: ', server.version);
    out.line('  Revision:', server.revision);
    return 0;
  },
});
