import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * In place of grpc-js, of which the command-line programs need a client on a unix socket. The whole of it brings a server, balancers, a resolver of
 * names and more, and takes milliseconds of each start.
 */
const CLIENT = `
require('./channel.js'); // its files refer to one another: as in index.js this one is first
const { ChannelCredentials } = require('./channel-credentials.js');
require('./resolver-uds.js').setup();
require('./load-balancer-pick-first.js').setup();
module.exports = {
  connectivityState: require('./connectivity-state.js').ConnectivityState,
  status: require('./constants.js').Status,
  credentials: { createInsecure: ChannelCredentials.createInsecure },
  Client: require('./client.js').Client,
  Metadata: require('./metadata.js').Metadata,
};
`;

const NOTHING = 'module.exports = {};';

/** For a bundle: grpc-js is its client alone, and proto-loader, which only its other services use, is left out. */
export const SMALL_GRPC: Plugin = {
  name: 'small grpc',
  setup(bundle) {
    const resolveDir = dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js'));
    bundle.onResolve({ filter: /^@grpc\/(grpc-js|proto-loader)$/ }, ({ path }) => ({ path, namespace: 'small-grpc' }));
    bundle.onLoad({ filter: /.*/, namespace: 'small-grpc' }, ({ path }) => ({
      contents: path === '@grpc/grpc-js' ? CLIENT : NOTHING,
      resolveDir,
    }));
  },
};
