import { BareChannel, type ChannelOptions } from './bare-channel.js';
import { openGrpcJs } from './grpc-js-transport.js';

/** A connection to a daemon by grpc-js, made at the first call. Whoever opens it closes it. */
export class Channel extends BareChannel {
  /** @throws invalid-argument: the address is no path of a socket. */
  constructor(options: ChannelOptions) {
    super(options, openGrpcJs);
  }
}
