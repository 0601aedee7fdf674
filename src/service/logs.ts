import type { Execution } from '../core/execution/execution.js';
import type { LogGap, LogRecord } from '../core/execution/logs.js';
import { isoOfNs } from '../core/execution/task-events.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { nsOfTimestamp } from '../rpc/time.js';

type Timestamp = Incoming<'google.protobuf.Timestamp'>;

/** wharfd.services.logs.v1.LogsService: what containers have written. */
export function createLogsService(
  execution: Pick<Execution, 'logs'>,
): ServiceImplementation<'wharfd.services.logs.v1.LogsService'> {
  return {
    async *read({ container_id: id, follow, since, until, tail }, { scope, signal }) {
      const query = {
        follow,
        ...(since && { since: timeOf(since) }),
        ...(until && { until: timeOf(until) }),
        ...(tail !== undefined && { tail }),
      };
      for await (const batch of execution.logs(scope, id, query, signal)) {
        if (batch.length > 0) yield { records: batch.map(toWireRecord) };
      }
    },
  };
}

function timeOf(timestamp: Timestamp): string {
  return isoOfNs(nsOfTimestamp(timestamp) ?? 0n);
}

function toWireRecord(record: LogRecord | LogGap): Outgoing<'wharfd.services.logs.v1.Record'> {
  if (!('bytes' in record)) return { missing_bytes: fromInteger(record.missingBytes) };
  const { time, stream, bytes } = record;
  return { time, stream: stream === 'stderr' ? 'RECORD_STREAM_STDERR' : 'RECORD_STREAM_STDOUT', data: bytes };
}
