import { DaemonError } from '../base/errors.js';
import type { ContentStore, ContentWriter } from '../core/content/content-store.js';
import { grpcAddon } from '../rpc/grpc-addon.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';
import { parseDigest, type Digest } from '../spec/digest.js';

type Request = Incoming<'containerd.services.content.v1.WriteContentRequest'>;
type Response = Outgoing<'containerd.services.content.v1.WriteContentResponse'>;

/**
 * One Write stream (containerd's content service): its first message names the ref, whose writer is held until the stream ends. Total and
 * expected digest may come with any message, the last one counts.
 */
export class WriteSession implements AsyncDisposable {
  readonly #writer: ContentWriter;
  #total = 0;
  #expected: Digest | undefined;

  private constructor(writer: ContentWriter) {
    this.#writer = writer;
  }

  /** @throws invalid-argument: no ref. And what ContentStore.writer throws. */
  static async open(content: ContentStore, first: Request, signal: AbortSignal): Promise<WriteSession> {
    if (first.ref === '') {
      throw new DaemonError('invalid-argument', 'first message must have a reference: invalid argument');
    }
    const size = toSafeNumber(first.total);
    const expected = {
      ...(size > 0 && { size }),
      ...(first.expected !== '' && { digest: parseDigest(first.expected) }),
    };
    return new WriteSession(await content.writer(first.ref, expected, signal));
  }

  async answer(request: Request, signal: AbortSignal): Promise<Response> {
    const total = toSafeNumber(request.total);
    if (total !== 0) this.#total = total;
    if (request.expected !== '') this.#expected = parseDigest(request.expected);
    if (request.action !== 'STAT') await this.#write(request);
    if (request.action === 'COMMIT') await this.#commit(request, signal);
    const { offset, startedAt, updatedAt } = this.#writer.status();
    return {
      action: request.action,
      offset: fromInteger(offset),
      total: fromInteger(this.#total),
      digest: this.#writer.digest(),
      started_at: timestampOfDate(startedAt),
      updated_at: timestampOfDate(updatedAt),
    };
  }

  async #write({ offset, data }: Request): Promise<void> {
    const at = toSafeNumber(offset);
    const current = this.#writer.status().offset;
    if (at !== 0 && at !== current) {
      throw new DaemonError('out-of-range', `write @${at} must occur at current offset ${current}`);
    }
    if (at === 0 && current > 0) await this.#writer.truncate(0);
    if (data.length === 0) return;
    await this.#writer.write(data);
    grpcAddon().release(data); // with the message that they came in, of which all else has been read
  }

  async #commit({ labels }: Request, signal: AbortSignal): Promise<void> {
    const expected = {
      ...(this.#total !== 0 && { size: this.#total }),
      ...(this.#expected !== undefined && { digest: this.#expected }),
    };
    await this.#writer.commit(expected, labels, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
  }
}
