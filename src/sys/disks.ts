import { open, statfs } from 'node:fs/promises';
import type { Disks } from '../core/kernel/disks.js';
import { SyscallError } from '../core/kernel/syscall-error.js';
import type { Errno } from '../core/kernel/errno.js';
import { addon } from './addon.js';
import { faultPoint } from '../base/fault-point.js';
import { check } from './outcome.js';

/** An error of node:fs as the one that our other calls throw. */
function asSyscallError(call: string, path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? new SyscallError(call, path, code as Errno) : cause;
}

export function createDisks(): Disks {
  const native = addon();
  return {
    async stat(path) {
      try {
        const found = await statfs(path);
        return {
          type: found.type,
          totalBytes: found.blocks * found.bsize,
          availableBytes: found.bavail * found.bsize,
          totalInodes: found.files,
          freeInodes: found.ffree,
        };
      } catch (cause) {
        throw asSyscallError('statfs', path, cause);
      }
    },
    async sync(path) {
      const file = await open(path).catch((cause: unknown) => {
        throw asSyscallError('open', path, cause);
      });
      try {
        check('syncfs', path, await native.syncFileSystemLater(file.fd));
        faultPoint('a file system is flushed');
      } finally {
        await file.close();
      }
    },
    copyContent(from, to) {
      check('copy content', to, native.copyContent(from, to));
    },
  };
}
