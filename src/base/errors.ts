/** What went wrong, as callers decide by it. The table to gRPC codes is in src/rpc. */
export type ErrorKind =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'failed-precondition'
  | 'permission-denied'
  | 'unauthenticated'
  | 'resource-exhausted'
  | 'deadline-exceeded'
  | 'aborted'
  | 'unavailable'
  | 'out-of-range'
  | 'canceled'
  | 'data-loss'
  | 'unimplemented'
  | 'unknown'
  | 'internal';

/** The one error class: `kind` decides, `message` says what thing, what happened and what to do. */
export class DaemonError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DaemonError';
    this.kind = kind;
  }
}

/** True for a DaemonError of that kind; told by the field, so that two copies of this module agree. */
export function isKind(error: unknown, kind: ErrorKind): boolean {
  return kindOf(error) === kind;
}

/** The kind of any thrown value: its own, `canceled` for an AbortError, `deadline-exceeded` for a TimeoutError, else `unknown`. */
export function kindOf(error: unknown): ErrorKind {
  if (!(error instanceof Error)) return 'unknown';
  if ('kind' in error && typeof error.kind === 'string') return error.kind as ErrorKind;
  if (error.name === 'AbortError') return 'canceled';
  if (error.name === 'TimeoutError') return 'deadline-exceeded';
  return 'unknown';
}

/** True when `error` is a Node system error with that code, such as `ENOENT`. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** For `catch`: what is not there is undefined. @throws Any other error. */
export function undefinedIfMissing(error: unknown): undefined {
  if (!isKind(error, 'not-found')) throw error;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);
const CAUSES_MAX = 10;

/** True when a full disk or a used-up quota is what lies behind `error`: it, or a cause of it. */
export function isDiskFull(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string' && FULL.has(cause.code)) return true;
    cause = cause.cause;
  }
  return false;
}
