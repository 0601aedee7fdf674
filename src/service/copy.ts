import { DaemonError } from '../base/errors.js';
import { deferred } from '../base/abort.js';
import type { Copies, ReadPart } from '../core/execution/copies.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';

const DATA_BYTES_MAX = 64 * 1024;

type Request = Incoming<'wharfd.services.copy.v1.WriteRequest'>;
type Response = Outgoing<'wharfd.services.copy.v1.ReadResponse'>;

/** wharfd.services.copy.v1.CopyService: files into and out of containers, at the pace of the slower side. */
export function createCopyService(copies: Copies): ServiceImplementation<'wharfd.services.copy.v1.CopyService'> {
  return {
    async *read({ id, path, follow_link: followLink }, { scope, signal }) {
      const stop = new AbortController();
      const until = AbortSignal.any([signal, stop.signal]);
      let next = deferred<ReadPart | undefined>();
      let taken = deferred<undefined>();
      const work = copies
        .read(scope, { id, path, followLink }, until, async (part) => {
          next.resolve(part);
          await taken.promise;
          until.throwIfAborted();
        })
        .then(
          () => next.resolve(undefined),
          (error: unknown) => {
            next.reject(error);
          },
        );
      try {
        for (;;) {
          const part = await next.promise;
          if (part === undefined) return;
          yield* toWire(part);
          next = deferred();
          const done = taken;
          taken = deferred();
          done.resolve(undefined);
        }
      } finally {
        stop.abort();
        taken.resolve(undefined);
        next.promise.catch(() => undefined);
        await work;
      }
    },
    async write(requests, { scope, signal }) {
      const messages = requests[Symbol.asyncIterator]();
      const first = await messages.next();
      const start = first.done ? undefined : first.value.start;
      if (!start) throw new DaemonError('invalid-argument', 'the first message of a write must be its start');
      const { id, path, name, directory, contents, archive, keep_owner: keepOwner } = start;
      const place = { path, name, directory, contents, archive, keepOwner };
      await copies.write(scope, id, place, dataOf({ [Symbol.asyncIterator]: () => messages }), signal);
      return {};
    },
  };
}

async function* dataOf(messages: AsyncIterable<Request>): AsyncGenerator<Uint8Array> {
  for await (const { data, start } of messages) {
    if (start) throw new DaemonError('invalid-argument', 'a write starts once');
    if (data && data.length > 0) yield data;
  }
}

function* toWire(part: ReadPart): Generator<Response> {
  if (!('bytes' in part)) {
    yield { entry: part };
    return;
  }
  for (let at = 0; at < part.bytes.length; at += DATA_BYTES_MAX)
    yield { data: Buffer.from(part.bytes.subarray(at, at + DATA_BYTES_MAX)) };
}
