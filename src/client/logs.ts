import { toSafeNumber } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';
import type { Session } from './session.js';

export interface LogsRequest {
  readonly containerId: string;
  /** Goes on until the process has ended. */
  readonly follow?: boolean;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Only so many lines from the end of what there is now. */
  readonly tail?: number | undefined;
  readonly signal?: AbortSignal;
}

/** A line of output, or a part of one; or how many bytes are missing at this place. */
export type LoggedOutput =
  | {
      /** RFC 3339, UTC, nine decimals. */
      readonly time: string;
      readonly stream: 'stdout' | 'stderr';
      /** With the newline where the line ends here. */
      readonly bytes: Uint8Array;
    }
  | { readonly missingBytes: number };

/** What a container has written, as far as it is kept. @throws not-found. failed-precondition: its output is its client's own. */
export async function* readLogs(session: Session, request: LogsRequest): AsyncGenerator<LoggedOutput, void> {
  const { containerId, follow = false, since, until, tail, signal } = request;
  const replies = session.service('wharfd.services.logs.v1.LogsService').read(
    {
      container_id: containerId,
      follow,
      since: timestampOfDate(since),
      until: timestampOfDate(until),
      ...(tail !== undefined && { tail }),
    },
    signal ? { signal } : {},
  );
  for await (const { records } of replies) {
    for (const { time, stream, data: bytes, missing_bytes: missing } of records) {
      const missingBytes = toSafeNumber(missing);
      if (missingBytes > 0) yield { missingBytes };
      else yield { time, stream: stream === 'RECORD_STREAM_STDERR' ? 'stderr' : 'stdout', bytes };
    }
  }
}
