import type { ServiceError } from '@grpc/grpc-js';
import { DaemonError } from '../base/errors.js';
import { errorOfStatus, STATUS_OF } from './status.js';

/** Why there is no connection, by what the system said. */
const WHY: Readonly<Record<string, (address: string) => DaemonError>> = {
  ENOENT: notRunning,
  ECONNREFUSED: notRunning,
  EACCES: (address) =>
    new DaemonError(
      'permission-denied',
      `no permission for the socket ${address}: run as root or join the socket's group`,
    ),
  ENOTSOCK: (address) => new DaemonError('unavailable', `${address} is no socket: give wharfd's with --address`),
  timeout: (address) =>
    new DaemonError(
      'unavailable',
      `the daemon at ${address} takes connections but does not answer: see its log, then restart it`,
    ),
};

function notRunning(address: string): DaemonError {
  return new DaemonError(
    'unavailable',
    `the daemon is not running at ${address}: start it (systemctl start wharfd, or wharfd as root) or give its socket with --address`,
  );
}

/** Who is to answer: our daemon, or another program by what it is for us (such as `snapshotter stargz`). */
export interface Peer {
  /** Path of the socket. */
  readonly address: string;
  readonly peer?: string | undefined;
}

/** The error for a daemon that cannot be reached. @param why An errno, or `timeout`. */
export function connectionError({ address, peer }: Peer, why: string, cause: Error): DaemonError {
  if (peer !== undefined) {
    const advice = 'start the program that serves it, then try again';
    return new DaemonError('unavailable', `${peer} does not answer at ${address} (${why}): ${advice}`, { cause });
  }
  const error = WHY[why]?.(address) ?? new DaemonError('unavailable', `cannot connect to ${address}: ${cause.message}`);
  error.cause = cause;
  return error;
}

/** The error of a failed call; one that never reached the daemon says so. */
export function errorOfCall(peer: Peer, error: ServiceError): DaemonError {
  if ((error.code as number) !== STATUS_OF.unavailable) return errorOfStatus(error, error);
  const [, errno] = /connect (E[A-Z]+) /.exec(error.details) ?? [];
  if (errno !== undefined) return connectionError(peer, errno, error);
  if (/^(Connection dropped|read ECONNRESET)/.test(error.details)) return lostConnection(peer, error);
  return errorOfStatus(error, error);
}

/** The error for a connection that ends while there are calls. */
export function lostConnection({ address, peer = 'the daemon' }: Peer, cause?: Error): DaemonError {
  const lost = `the connection to ${peer} at ${address} was lost: it stopped or crashed; see its log`;
  return new DaemonError('unavailable', lost, { cause });
}
