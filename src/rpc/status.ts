import type { ServiceError } from '@grpc/grpc-js';
import { DaemonError, kindOf, messageOf, type ErrorKind } from '../base/errors.js';

/** The only table from kinds to gRPC codes (https://grpc.io/docs/guides/status-codes); read backwards by clients. */
export const STATUS_OF = {
  'invalid-argument': 3,
  'not-found': 5,
  'already-exists': 6,
  'failed-precondition': 9,
  'permission-denied': 7,
  unauthenticated: 16,
  'resource-exhausted': 8,
  'deadline-exceeded': 4,
  aborted: 10,
  unavailable: 14,
  'out-of-range': 11,
  canceled: 1,
  'data-loss': 15,
  unimplemented: 12,
  unknown: 2,
  internal: 13,
} as const satisfies Record<ErrorKind, number>;

const KIND_OF: ReadonlyMap<number, ErrorKind> = new Map(
  Object.entries(STATUS_OF).map(([kind, code]) => [code, kind as ErrorKind]),
);

/** An error as it crosses the wire. */
export interface WireStatus {
  readonly code: number;
  readonly details: string;
}

/** HTTP/2 headers are bounded, and so is what an error may say: bytes of UTF-8. */
const DETAILS_MAX = 4096;

/** Text fit for a header: cut at DETAILS_MAX, and without halves of surrogate pairs, at which grpc-js would throw. */
function boundedText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= DETAILS_MAX) return bytes.toString();
  return `${bytes.toString('utf8', 0, DETAILS_MAX).replace(/\uFFFD$/, '')}…`;
}

/** The status of anything thrown. Only what has a kind was meant for the client; everything else is a defect and INTERNAL. */
export function statusOf(error: unknown): WireStatus {
  const meant = isMeant(error);
  const code = STATUS_OF[meant ? kindOf(error) : 'internal'];
  return { code, details: boundedText(messageOf(error)) };
}

/** False for what nobody foresaw: an error without a kind, which is no abort either. */
export function isMeant(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('kind' in error && typeof error.kind === 'string') return error.kind in STATUS_OF;
  return kindOf(error) !== 'unknown';
}

/** The error that a status stands for; the message is the server's, unchanged. */
export function errorOfStatus(
  { code, details }: { readonly code: number; readonly details: string },
  cause?: ServiceError,
): DaemonError {
  return new DaemonError(KIND_OF.get(code) ?? 'unknown', details, cause ? { cause } : undefined);
}
