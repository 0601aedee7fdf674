import { abortable, deferred, onAbort, type Deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { CallScope } from '../rpc/handlers.js';
import type { WireAny } from '../rpc/messages.js';

const ID_LENGTH_MAX = 256;

/** A stream that a client has opened and then names in another request. */
export interface ClientStream {
  /** What the client sends; for one reader. Ends when the client half-closes. */
  readonly received: AsyncIterator<WireAny, unknown>;
  /** Resolves when the message is on its way. @throws The reason when the stream has ended. */
  send(message: WireAny): Promise<void>;
  /** Ends the stream well. Closing twice is no error. */
  close(): void;
}

/** The open streams of all clients, by namespace and id. */
export class StreamRegistry {
  readonly #streams = new Map<string, OpenStream>();

  /** @throws not-found: the client has to open the stream first. */
  get(scope: CallScope, id: string): ClientStream {
    const stream = this.#streams.get(keyOf(scope, id));
    if (stream) return stream;
    throw new DaemonError('not-found', `stream ${JSON.stringify(id.slice(0, ID_LENGTH_MAX))}: not found`);
  }

  /**
   * Makes a stream known until it is disposed or `signal` aborts.
   *
   * @throws already-exists. invalid-argument: an empty or overlong id.
   */
  open(scope: CallScope, id: string, received: AsyncIterator<WireAny, unknown>, signal: AbortSignal): OpenStream {
    if (id === '' || id.length > ID_LENGTH_MAX) {
      throw new DaemonError(
        'invalid-argument',
        `stream id must have 1 to ${ID_LENGTH_MAX} characters: invalid argument`,
      );
    }
    const key = keyOf(scope, id);
    if (this.#streams.has(key)) throw new DaemonError('already-exists', `stream ${JSON.stringify(id)}: already exists`);
    const stream = new OpenStream(received, signal, () => {
      if (this.#streams.get(key) === stream) this.#streams.delete(key);
    });
    this.#streams.set(key, stream);
    return stream;
  }
}

function keyOf({ namespace }: CallScope, id: string): string {
  return `${namespace}\0${id}`;
}

interface Parcel {
  readonly message: WireAny;
  readonly sent: Deferred<undefined>;
}

/** A registered stream, as the call that carries it sees it. */
export class OpenStream implements ClientStream, Disposable {
  readonly received: AsyncIterator<WireAny, unknown>;
  readonly #signal: AbortSignal;
  readonly #forget: () => void;
  readonly #waiting: Parcel[] = [];
  #wake: Deferred<undefined> | undefined;
  #closed = false;

  constructor(received: AsyncIterator<WireAny, unknown>, signal: AbortSignal, forget: () => void) {
    this.received = received;
    this.#signal = signal;
    this.#forget = forget;
  }

  async send(message: WireAny): Promise<void> {
    if (this.#closed) throw new DaemonError('canceled', 'the stream has ended');
    const sent = deferred<undefined>();
    this.#waiting.push({ message, sent });
    this.#wake?.resolve(undefined);
    await abortable(sent.promise, this.#signal);
  }

  close(): void {
    this.#closed = true;
    this.#wake?.resolve(undefined);
  }

  /** What is to be sent, until `close`. @throws The signal's reason. */
  async *outgoing(): AsyncGenerator<WireAny, void> {
    using _ = onAbort(this.#signal, () => this.#wake?.resolve(undefined));
    for (;;) {
      this.#signal.throwIfAborted();
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        yield next.message;
        next.sent.resolve(undefined);
      }
      if (this.#closed) return;
      this.#wake = deferred<undefined>();
      await this.#wake.promise;
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { sent } of this.#waiting) sent.reject(new DaemonError('canceled', 'the stream has ended'));
    this.#forget();
  }
}
