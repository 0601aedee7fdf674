import { BareChannel, type ChannelOptions } from './bare-channel.js';
import { openGrpcJs } from './grpc-js-transport.js';
import { openNative } from './native-transport.js';

/** A channel by the transport that the tests are run with: grpc-js, unless WHARFD_TEST_TRANSPORT is `native`. */
export function testChannel(options: ChannelOptions): BareChannel {
  return new BareChannel(options, process.env['WHARFD_TEST_TRANSPORT'] === 'native' ? openNative : openGrpcJs);
}
