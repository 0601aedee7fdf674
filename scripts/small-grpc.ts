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

/**
 * For a bundle: grpc-js is its client alone. Left out are proto-loader, which only its other services use, and long, which compiles a module of
 * WebAssembly when it is loaded: protobufjs' writer and reader do without, and src/rpc/plain-codec.ts reads 64 bits itself.
 */
export const SMALL_GRPC: Plugin = {
  name: 'small grpc',
  setup(bundle) {
    const resolveDir = dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js'));
    bundle.onResolve({ filter: /^(@grpc\/(grpc-js|proto-loader)|long)$/ }, ({ path }) => ({
      path,
      namespace: 'small-grpc',
    }));
    bundle.onLoad({ filter: /.*/, namespace: 'small-grpc' }, ({ path }) => ({
      contents: path === '@grpc/grpc-js' ? CLIENT : NOTHING,
      resolveDir,
    }));
  },
};
