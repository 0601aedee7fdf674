import { DaemonError } from '../base/errors.js';

/** sockaddr_un has 108 bytes, one of them for the NUL; libuv cuts a longer path off without a word. */
const PATH_BYTES_MAX = 107;

/** @throws invalid-argument: no socket can have that path. */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (path.startsWith('/') && length <= PATH_BYTES_MAX) return;
  const why = path.startsWith('/') ? `has ${length} bytes, at most ${PATH_BYTES_MAX} are possible` : 'is not absolute';
  throw new DaemonError('invalid-argument', `socket path ${path} ${why}: choose another with --address`);
}
