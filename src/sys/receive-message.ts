import { DaemonError } from '../base/errors.js';
import type { ReceivedMessage } from '../core/kernel/descriptors.js';
import type { Fd } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { check } from './outcome.js';

const EAGAIN = -11;
const EMSGSIZE = -90;
const MAX_FDS = 16;

/** Receives one message with its descriptors; see the port. */
export function receiveMessage(socket: Fd, maxBytes = 4096): ReceivedMessage | undefined {
  const bytes = Buffer.alloc(maxBytes);
  const fds = new Int32Array(1 + MAX_FDS);
  const outcome = addon().receiveFds(socket, bytes, fds);
  if (outcome === EAGAIN) return undefined;
  if (outcome === EMSGSIZE) {
    throw new DaemonError('data-loss', `a message on socket ${socket} had more than ${MAX_FDS} descriptors`);
  }
  const length = check('recvmsg', socket, outcome);
  return { bytes: bytes.subarray(0, length), fds: [...fds.subarray(1, 1 + (fds[0] ?? 0))] };
}
