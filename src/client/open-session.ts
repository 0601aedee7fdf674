import { openGrpcJs } from '../rpc/grpc-js-transport.js';
import { openSessionBy, type Session, type SessionOptions } from './session.js';

/**
 * Opens a session. Nothing is sent before the first call, which throws `unavailable` where no daemon listens.
 *
 * @throws invalid-argument: the address is no path of a socket.
 */
export function openSession(options: SessionOptions): Session {
  return openSessionBy(openGrpcJs, options);
}
