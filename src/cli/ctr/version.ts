import { serverVersion } from '../../client/version.js';
import { VERSION } from '../../spec/version.js';
import { defineCommand } from '../shared/command.js';

export const version = defineCommand({
  usage: 'version',
  summary: 'Print the versions of client and daemon',
  async run({ session, out, signal }) {
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
