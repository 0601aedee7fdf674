import type { ErrorKind } from '../../base/errors.js';

/** The symbolic name of a kernel error number, such as `ENOENT`. */
export type Errno = `E${string}`;

interface ErrnoMeaning {
  readonly kind: ErrorKind;
  readonly text: string;
}

const MEANINGS: ReadonlyMap<Errno, ErrnoMeaning> = new Map<Errno, ErrnoMeaning>([
  ['EACCES', { kind: 'permission-denied', text: 'permission denied' }],
  ['EPERM', { kind: 'permission-denied', text: 'operation not permitted' }],
  ['EROFS', { kind: 'failed-precondition', text: 'the file system is read-only' }],
  ['ENOENT', { kind: 'not-found', text: 'no such file or directory' }],
  ['ESRCH', { kind: 'not-found', text: 'no such process' }],
  ['ECHILD', { kind: 'not-found', text: 'no such child process' }],
  ['ENODATA', { kind: 'not-found', text: 'no such attribute' }],
  ['ENXIO', { kind: 'not-found', text: 'nothing is at the other end' }],
  ['EEXIST', { kind: 'already-exists', text: 'exists already' }],
  ['ENOSPC', { kind: 'resource-exhausted', text: 'no space left on the device' }],
  ['EDQUOT', { kind: 'resource-exhausted', text: 'the disk quota is used up' }],
  ['ENOMEM', { kind: 'resource-exhausted', text: 'out of memory' }],
  ['EMFILE', { kind: 'resource-exhausted', text: 'too many open files in this process' }],
  ['ENFILE', { kind: 'resource-exhausted', text: 'too many open files in the system' }],
  ['EFBIG', { kind: 'resource-exhausted', text: 'the file is too large' }],
  ['EMLINK', { kind: 'resource-exhausted', text: 'too many links' }],
  ['EAGAIN', { kind: 'unavailable', text: 'temporarily unavailable' }],
  ['EBUSY', { kind: 'failed-precondition', text: 'in use' }],
  ['ETXTBSY', { kind: 'failed-precondition', text: 'the program is running' }],
  ['ENOTEMPTY', { kind: 'failed-precondition', text: 'the directory is not empty' }],
  ['ENOTDIR', { kind: 'failed-precondition', text: 'not a directory' }],
  ['EISDIR', { kind: 'failed-precondition', text: 'is a directory' }],
  ['EXDEV', { kind: 'failed-precondition', text: 'leaves the directory or the file system' }],
  ['ELOOP', { kind: 'failed-precondition', text: 'a symbolic link where none may be, or too many' }],
  ['EPIPE', { kind: 'failed-precondition', text: 'the reader is gone' }],
  ['EINVAL', { kind: 'invalid-argument', text: 'invalid argument' }],
  ['ENAMETOOLONG', { kind: 'invalid-argument', text: 'the name is too long' }],
  ['EBADF', { kind: 'internal', text: 'not an open descriptor' }],
  ['EOVERFLOW', { kind: 'out-of-range', text: 'the value is too large' }],
  ['ERANGE', { kind: 'out-of-range', text: 'the value is out of range' }],
  ['E2BIG', { kind: 'out-of-range', text: 'the list is too long' }],
  ['ENOSYS', { kind: 'unimplemented', text: 'this kernel does not have the call' }],
  ['EOPNOTSUPP', { kind: 'unimplemented', text: 'the file system does not support it' }],
  ['ENOTTY', { kind: 'unimplemented', text: 'the descriptor does not support it' }],
  ['ENODEV', { kind: 'unimplemented', text: 'the kernel does not know this file system or device' }],
  ['EIO', { kind: 'data-loss', text: 'input or output error' }],
  ['ETIMEDOUT', { kind: 'deadline-exceeded', text: 'timed out' }],
  ['ECONNREFUSED', { kind: 'unavailable', text: 'nobody listens there' }],
  ['EADDRINUSE', { kind: 'already-exists', text: 'the address is in use' }],
]);

/** The error kind that a kernel error number stands for; `unknown` for one that the table does not hold. */
export function kindOfErrno(errno: Errno): ErrorKind {
  return MEANINGS.get(errno)?.kind ?? 'unknown';
}

/** A few words of what a kernel error number means; empty for one that the table does not hold. */
export function describeErrno(errno: Errno): string {
  return MEANINGS.get(errno)?.text ?? '';
}
