import {
  Client,
  connectivityState,
  credentials,
  Metadata,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { connectionError, errorOfCall } from './connection-error.js';
import { dropLateWrites } from './late-writes.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import type { ClientCall, OpenTransport, TransportOptions } from './transport.js';

const same = (bytes: Buffer): Buffer => bytes;

dropLateWrites();

/** Calls by grpc-js, which needs nothing of the system: for programs that use the library, and for the daemon's own calls of others. */
export const openGrpcJs: OpenTransport = (options) => {
  const { address, reconnectMs } = options;
  const client = new Client(`unix:${address}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    ...(reconnectMs !== undefined && {
      'grpc.initial_reconnect_backoff_ms': Math.min(100, reconnectMs),
      'grpc.max_reconnect_backoff_ms': reconnectMs,
    }),
  });
  return {
    connected: () => connected(client, options),
    call({ path, metadata, timeoutMs }) {
      const all = new Metadata();
      for (const [name, value] of metadata) all.set(name, value);
      const deadline = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
      return callOf(client.makeBidiStreamRequest(path, same, same, all, deadline), options);
    },
    close() {
      client.close();
    },
  };
};

/** Waits until there is a connection, or none to be had: then the call itself says why. */
async function connected(client: Client, options: TransportOptions): Promise<void> {
  const channel = client.getChannel();
  const deadline = Date.now() + options.connectTimeoutMs;
  for (let state = channel.getConnectivityState(true); isPending(state); state = channel.getConnectivityState(true)) {
    const late = await new Promise<Error | undefined>((resolve) => {
      channel.watchConnectivityState(state, deadline, resolve);
    });
    if (late) throw connectionError(options, 'timeout', late);
  }
}

function isPending(state: connectivityState): boolean {
  return state === connectivityState.IDLE || state === connectivityState.CONNECTING;
}

function callOf(call: ClientDuplexStream<Buffer, Buffer>, options: TransportOptions): ClientCall {
  let release = (): void => undefined;
  call.on('error', () => undefined); // who reads sees it; one that comes after that is of no interest
  async function* replies(): AsyncGenerator<Buffer> {
    try {
      for await (const bytes of call) yield bytes as Buffer;
    } catch (error) {
      throw isServiceError(error) ? errorOfCall(options, error) : error;
    } finally {
      release(); // grpc-js forgets the callback of a write that it cannot do any more
    }
  }
  return {
    send: (bytes) =>
      new Promise((resolve) => {
        release = resolve;
        call.write(bytes, () => {
          resolve();
        });
      }),
    end() {
      call.end();
    },
    replies,
    cancel() {
      call.cancel();
      release();
    },
  };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}
