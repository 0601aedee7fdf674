import type { Errno } from '../core/kernel/errno.js';
import { SyscallError } from '../core/kernel/syscall-error.js';
import { addon, type Outcome } from './addon.js';

/** The error that a negative outcome stands for. */
export function syscallError(call: string, subject: string | number | Uint8Array, outcome: Outcome): SyscallError {
  return new SyscallError(call, describe(subject), addon().errnoName(-outcome) as Errno);
}

/** The outcome of a call, if it is none of failure. @throws SyscallError */
export function check(call: string, subject: string | number | Uint8Array, outcome: Outcome): number {
  if (outcome < 0) throw syscallError(call, subject, outcome);
  return outcome;
}

/** As `check`, for a call that returns bytes. */
export function checkBytes(call: string, subject: string | number | Uint8Array, outcome: Buffer | Outcome): Buffer {
  if (typeof outcome === 'number') throw syscallError(call, subject, outcome);
  return outcome;
}

/** Names come from archives: what is not printable would garble a log or a terminal. */
function describe(subject: string | number | Uint8Array): string {
  if (typeof subject === 'number') return String(subject);
  const text = typeof subject === 'string' ? subject : Buffer.from(subject).toString('utf8');
  return text.replace(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
