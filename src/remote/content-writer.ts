import { DaemonError } from '../base/errors.js';
import type { ContentInfo, ContentWriter, Expected, IngestStatus } from '../core/content/content-store.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import { parseDigest, type Digest } from '../spec/digest.js';
import type { Labels } from '../spec/labels.js';
import { RequestQueue } from './request-queue.js';

type Request = Outgoing<'containerd.services.content.v1.WriteContentRequest'>;
type Response = Incoming<'containerd.services.content.v1.WriteContentResponse'>;

/** Bytes of one message; well below what a daemon accepts. */
const PIECE_BYTES = 1 << 20;

/** An ingest over the socket: one Write stream, each request answered before the next. */
export class RemoteWriter implements ContentWriter {
  readonly #requests: RequestQueue<Request>;
  readonly #responses: AsyncIterator<Response>;
  readonly #committed: (digest: Digest) => Promise<ContentInfo>;
  readonly #ref: string;
  readonly #expected: Expected;
  #last: Response;
  #ended = false;

  private constructor(
    parts: {
      readonly requests: RequestQueue<Request>;
      readonly responses: AsyncIterator<Response>;
      readonly committed: (digest: Digest) => Promise<ContentInfo>;
    },
    ref: string,
    expected: Expected,
    first: Response,
  ) {
    this.#requests = parts.requests;
    this.#responses = parts.responses;
    this.#committed = parts.committed;
    this.#ref = ref;
    this.#expected = expected;
    this.#last = first;
  }

  /**
   * @param start Begins the Write call.
   * @param committed The record of a blob that was just committed.
   */
  static async open(
    start: (requests: AsyncIterable<Request>) => AsyncIterable<Response>,
    committed: (digest: Digest) => Promise<ContentInfo>,
    ref: string,
    expected: Expected,
  ): Promise<RemoteWriter> {
    const requests = new RequestQueue<Request>();
    const responses = start(requests)[Symbol.asyncIterator]();
    const stat = {
      action: 'STAT',
      ref,
      total: fromInteger(expected.size ?? 0),
      expected: expected.digest ?? '',
    } as const;
    const first = await exchange(requests, responses, stat);
    return new RemoteWriter({ requests, responses, committed }, ref, expected, first);
  }

  status(): IngestStatus {
    const { total, started_at, updated_at } = this.#last;
    return {
      ref: this.#ref,
      offset: this.#offset,
      total: toSafeNumber(total),
      ...(this.#expected.digest !== undefined && { expected: this.#expected.digest }),
      startedAt: dateOfTimestamp(started_at) ?? new Date(0),
      updatedAt: dateOfTimestamp(updated_at) ?? new Date(0),
    };
  }

  digest(): Digest {
    return parseDigest(this.#last.digest);
  }

  get #offset(): number {
    return toSafeNumber(this.#last.offset);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const data = bytes.subarray(at, at + PIECE_BYTES);
      await this.#send({ action: 'WRITE', offset: fromInteger(this.#offset), data });
    }
  }

  async truncate(offset: number): Promise<void> {
    if (offset === this.#offset) return;
    if (offset !== 0) {
      throw new DaemonError(
        'unimplemented',
        `ingest ${this.#ref}: over the socket, only truncation to nothing is possible`,
      );
    }
    await this.#send({ action: 'WRITE', offset: '0' });
  }

  async commit(expected: Expected = {}, labels: Labels = {}): Promise<ContentInfo> {
    const { size, digest } = { ...this.#expected, ...expected };
    try {
      await this.#send({
        action: 'COMMIT',
        offset: fromInteger(this.#offset),
        total: fromInteger(size ?? 0),
        expected: digest ?? '',
        labels: { ...labels },
      });
      return await this.#committed(this.digest());
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async #send(request: Request): Promise<void> {
    if (this.#ended) {
      throw new DaemonError('failed-precondition', `ingest ${this.#ref}: the writer is closed: failed precondition`);
    }
    this.#last = await exchange(this.#requests, this.#responses, request).catch((error: unknown) => {
      this.#ended = true;
      throw error;
    });
  }

  /** Waits until the daemon has let go of the ref. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#requests.end();
    for (let result = await this.#responses.next(); result.done !== true; result = await this.#responses.next());
  }
}

async function exchange(
  requests: RequestQueue<Request>,
  responses: AsyncIterator<Response>,
  request: Request,
): Promise<Response> {
  requests.push(request);
  const result = await responses.next();
  if (result.done !== true) return result.value;
  throw new DaemonError('unavailable', 'the daemon has ended the stream: unavailable');
}
