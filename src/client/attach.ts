import { DaemonError } from '../base/errors.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { RequestQueue } from './request-queue.js';
import type { Session } from './session.js';

const STDIN_BYTES = 32 * 1024;

type Request = Outgoing<'wharfd.services.attach.v1.AttachRequest'>;

/** Columns and rows of the client's terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface AttachRequest {
  readonly containerId: string;
  /** Empty for the container's own process. */
  readonly execId?: string;
  /** Bytes for the process; its stdin is closed when they end. Absent: it gets none from us. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  readonly size?: Size | undefined;
  /** Nothing of what was written before. */
  readonly noReplay?: boolean;
  /** Cut off (`resource-exhausted`) instead of slowing the process down. */
  readonly mayBeCut?: boolean;
  /** Resolves when the bytes are written, so that a slow reader slows the process and not our memory. */
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** A process that we are attached to. */
export interface Attached {
  resize(size: Size): void;
  /** Exit status 0 to 255, when all output has been handed over. */
  readonly exited: Promise<number>;
}

/** Connects to the stdio of a process. Leaving (by `signal`) leaves the process as it is. */
export function attach(session: Session, request: AttachRequest): Attached {
  const requests = new RequestQueue<Request>();
  void requests.push({
    start: {
      container_id: request.containerId,
      exec_id: request.execId ?? '',
      stdin: request.stdin !== undefined,
      size: request.size ? toWireSize(request.size) : null,
      no_replay: request.noReplay ?? false,
      may_be_cut: request.mayBeCut ?? false,
    },
  });
  const replies = session
    .service('wharfd.services.attach.v1.AttachService')
    .attach(requests, request.signal ? { signal: request.signal } : {});
  const attached = (): void => {
    if (request.stdin === undefined) return;
    sendStdin(request.stdin, requests, request.signal).catch((cause: unknown) => {
      requests.fail(cause);
    });
  };
  return {
    resize(size) {
      void requests.push({ resize: toWireSize(size) });
    },
    exited: receive(replies, request, attached).finally(() => {
      requests.end();
    }),
  };
}

async function receive(
  replies: AsyncIterable<Incoming<'wharfd.services.attach.v1.AttachResponse'>>,
  request: AttachRequest,
  onAttached: () => void,
): Promise<number> {
  for await (const { attached, output, exit } of replies) {
    // Only now is there a process to read for; to open a stdin takes as long as a small process runs.
    if (attached) onAttached();
    if (output) await request.onOutput(output.stream === 'OUTPUT_STREAM_STDERR' ? 'stderr' : 'stdout', output.data);
    if (exit) return exit.exit_status;
  }
  throw new DaemonError(
    'unavailable',
    `container ${request.containerId}: the daemon ended the session before the process ended`,
  );
}

async function sendStdin(
  stdin: AsyncIterable<Uint8Array>,
  requests: RequestQueue<Request>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const bytes of stdin) {
    for (let at = 0; at < bytes.length; at += STDIN_BYTES) {
      await requests.push({ stdin: Buffer.from(bytes.subarray(at, at + STDIN_BYTES)) });
    }
  }
  // Who leaves does not close the process's stdin.
  if (!signal?.aborted) await requests.push({ stdin_close: {} });
}

function toWireSize(size: Size) {
  return { width: size.columns, height: size.rows };
}
