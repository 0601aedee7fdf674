import { chmod, chown, lstat, mkdir, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { once } from 'node:events';
import { DaemonError, isErrno, messageOf } from '../base/errors.js';
import { checkSocketPath } from './socket-path.js';

const SOCKET_MODE = 0o660;
/** A umask under which a new socket gets SOCKET_MODE and nothing more, from its first moment. */
const SOCKET_UMASK = 0o117;
/** The state directory: others may pass, not look. */
const DIRECTORY_MODE = 0o711;

/** Where to listen. */
export interface SocketAddress {
  /** Absolute path of the socket. */
  readonly path: string;
  /** Owner and group; root's when missing. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Listens on a unix socket, mode 0660, for connections of which nothing is read yet. A socket file that a dead process left is replaced; closing the server removes the file.
 *
 * @throws already-exists: somebody listens there, or the path is something else than a socket.
 */
export async function listenOnSocket(address: SocketAddress, onConnection: (socket: Socket) => void): Promise<Server> {
  const { path } = address;
  checkSocketPath(path);
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  await removeStale(path);
  const server = createServer({ pauseOnConnect: true }, onConnection);
  const umask = process.umask(SOCKET_UMASK);
  try {
    server.listen(path); // binds before it returns
  } finally {
    process.umask(umask);
  }
  try {
    await once(server, 'listening');
    if (address.uid !== undefined || address.gid !== undefined) {
      await chown(path, address.uid ?? process.getuid?.() ?? 0, address.gid ?? process.getgid?.() ?? 0);
    }
    await chmod(path, SOCKET_MODE);
  } catch (cause) {
    server.close();
    throw isErrno(cause, 'EADDRINUSE')
      ? inUse(path)
      : new DaemonError('unavailable', `cannot listen on ${path}: ${messageOf(cause)}`, { cause });
  }
  return server;
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  });
  if (!found) return;
  if (!found.isSocket())
    throw new DaemonError(
      'already-exists',
      `${path} exists and is no socket: move it away or choose another --address`,
    );
  if (await answers(path)) throw inUse(path);
  await unlink(path);
}

function inUse(path: string): DaemonError {
  return new DaemonError('already-exists', `another daemon listens on ${path}: stop it or choose another --address`);
}

/** True unless connecting proves that nobody listens. */
async function answers(path: string): Promise<boolean> {
  const probe = createConnection(path);
  try {
    await once(probe, 'connect');
    return true;
  } catch (cause) {
    if (isErrno(cause, 'ECONNREFUSED')) return false;
    throw new DaemonError('already-exists', `${path} is a socket that cannot be tried: ${messageOf(cause)}`, { cause });
  } finally {
    probe.destroy();
  }
}
