import { DaemonError } from '../../base/errors.js';
import { describeErrno, kindOfErrno, type Errno } from './errno.js';

/**
 * A system call that failed. The error kind follows from the error number by the table of errno.ts; isErrno of base/errors
 * tells one from another, here as for node:fs.
 */
export class SyscallError extends DaemonError {
  /** Symbolic error number, such as `ENOENT`. Also as `code`, where Node's own errors have it. */
  readonly errno: Errno;
  readonly code: Errno;
  /** Name of the call, such as `openat2`. */
  readonly call: string;

  /**
   * @param call Name of the system call.
   * @param subject What it was called on: a path, a pid, a descriptor.
   */
  constructor(call: string, subject: string, errno: Errno) {
    const text = describeErrno(errno);
    super(kindOfErrno(errno), `${call} ${subject}: ${text === '' ? errno : `${text} (${errno})`}`);
    this.name = 'SyscallError';
    this.errno = errno;
    this.code = errno;
    this.call = call;
  }
}
