import { DaemonError } from '../base/errors.js';
import type { ServiceImplementation } from '../rpc/handlers.js';
import { messages } from '../rpc/whole.js';
import type { StreamRegistry } from './stream-registry.js';

/** containerd.services.streaming.v1.Streaming: streams that other requests use by their id. */
export function createStreamingService(
  streams: StreamRegistry,
): ServiceImplementation<'containerd.services.streaming.v1.Streaming'> {
  return {
    async *stream(requests, { scope, signal }) {
      const received = requests[Symbol.asyncIterator]();
      const first = await received.next();
      if (first.done === true)
        throw new DaemonError('invalid-argument', 'a stream begins with a StreamInit: invalid argument');
      const { id } = messages.unpack('containerd.services.streaming.v1.StreamInit', first.value);
      using stream = streams.open(scope, id, received, signal);
      yield messages.pack('google.protobuf.Empty', {});
      yield* stream.outgoing();
    },
  };
}
