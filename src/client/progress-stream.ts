import { randomUUID } from 'node:crypto';
import { DaemonError } from '../base/errors.js';
import { deferred } from '../base/abort.js';
import { toSafeNumber } from '../rpc/int64.js';
import type { WireAny } from '../rpc/messages.js';
import { RequestQueue } from './request-queue.js';
import type { Session } from './session.js';

/** Where one row of a transfer stands. */
export interface TransferProgress {
  /** The name, or `layer-<digest>` and the like. */
  readonly key: string;
  /** A word of containerd's clients: `resolving`, `downloading`, `complete`, `already exists`, `extracting` …; or `waiting: why`. */
  readonly event: string;
  /** Bytes done of `total`; 0 where the total is not known. */
  readonly offset: number;
  readonly total: number;
}

/** Told of each report. @param digest Of the object that the row is about, where the daemon says it. */
export type ProgressListener = (progress: TransferProgress, digest: string | undefined) => void;

/** A stream of progress that a transfer names by its id. */
export interface ProgressStream {
  readonly id: string;
  /** Resolves when the daemon has closed the stream: all reports are in. */
  readonly closed: Promise<void>;
  /** Leaves the stream. */
  end(): void;
}

/** Opens a stream; resolves when the daemon knows its id. */
export async function openProgressStream(
  session: Session,
  onProgress: ProgressListener,
  signal?: AbortSignal,
): Promise<ProgressStream> {
  const id = `progress-${randomUUID()}`;
  const requests = new RequestQueue<WireAny>();
  const opened = deferred<undefined>();
  void requests.push(session.messages.pack('containerd.services.streaming.v1.StreamInit', { id }));
  const replies = session
    .service('containerd.services.streaming.v1.Streaming')
    .stream(requests, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  const closed = (async () => {
    let acknowledged = false;
    for await (const reply of replies) {
      if (acknowledged) tell(session, reply, onProgress);
      else opened.resolve(undefined);
      acknowledged = true;
    }
    opened.reject(new DaemonError('internal', 'the daemon closed the progress stream at once'));
  })();
  closed.catch((error: unknown) => {
    opened.reject(error);
  });
  await opened.promise;
  return {
    id,
    closed,
    end: () => {
      requests.end();
    },
  };
}

function tell(session: Session, any: WireAny, onProgress: ProgressListener): void {
  const { event, name, progress, total, desc } = session.messages.unpack('containerd.types.transfer.Progress', any);
  onProgress({ key: name, event, offset: toSafeNumber(progress), total: toSafeNumber(total) }, desc?.digest);
}
