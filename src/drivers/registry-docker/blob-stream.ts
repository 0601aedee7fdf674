import { DaemonError } from '../../base/errors.js';
import type { FetchOptions } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { ConnectionError } from './connection-error.js';
import { failureOf } from './failure.js';
import { Patience } from './patience.js';
import type { RepositoryClient } from './repository-client.js';
import type { HttpResponse } from './http-messages.js';

/** Where the bytes of one object are asked for, and how. */
export interface BlobSource extends Omit<FetchOptions, 'from'> {
  readonly client: RepositoryClient;
  readonly target: Descriptor;
  /** Behind `/v2/<repository>/`, tried in order while the answer is 404. */
  readonly paths: readonly string[];
  /** Names the object in errors. */
  readonly what: string;
  readonly tries?: number | undefined;
  /** Nothing but the range that is asked for will do. */
  readonly partsOnly?: boolean;
}

/** Worth a connection of its own (large-response.ts). */
const LARGE_BYTES = 2 * 1024 ** 2;

/** A server that has sent a range before now sends the whole. */
export class RangesIgnored extends DaemonError {}

/**
 * The bytes of one object from byte `from` on, to byte `end` at least: a server without ranges sends what is behind it, too. A connection
 * that is cut is followed by one for the rest (RFC 9110, 14); a server that always sends the whole is read past what is there.
 */
export async function* objectBytes(
  source: BlobSource,
  from: number,
  end = source.target.size,
): AsyncGenerator<Uint8Array, void> {
  const { client, target, partsOnly = false } = source;
  const patience = new Patience(client.transport, source);
  let at = from;
  while (at < end) {
    const response = await firstFound(source, at, end < target.size ? end : undefined);
    try {
      for await (const bytes of bodyFrom(response, at, source)) {
        const wanted = partsOnly ? bytes.subarray(0, end - at) : bytes;
        at += wanted.length;
        patience.progressed();
        yield wanted;
        if (partsOnly && at === end) return;
      }
    } catch (error) {
      await patience.afterError(error);
    }
  }
}

async function firstFound(source: BlobSource, from: number, end: number | undefined): Promise<HttpResponse> {
  const { client, target, paths, what, onWait, signal, tries } = source;
  const accept = `${target.mediaType}, */*`;
  // Ranges that are fetched beside others come over connections that stay.
  const large = source.partsOnly !== true && (end ?? target.size) - from >= LARGE_BYTES;
  for (const [index, path] of paths.entries()) {
    const response = await client.request({
      method: 'GET',
      path,
      accept,
      from,
      end,
      large,
      what,
      onWait,
      signal,
      tries,
    });
    if (response.status === 206 || (response.status === 200 && !source.partsOnly)) return response;
    if (response.status === 200) {
      await response.discard();
      throw new RangesIgnored('unavailable', `${what}: ${response.url.host} does not send a part of it`);
    }
    if (response.status === 416) {
      await response.discard();
      throw sizeError(target, what, `has no byte ${from}`);
    }
    if (response.status !== 404 || index === paths.length - 1) throw await failureOf(response, what);
    await response.discard();
  }
  throw new DaemonError('internal', `${what}: no address to fetch it from`);
}

/** The part of a response's body that begins at byte `at` of the object. @throws data-loss: the object has another size. */
async function* bodyFrom(
  response: HttpResponse,
  at: number,
  { target, what, transient }: BlobSource,
): AsyncGenerator<Uint8Array, void> {
  const encoding = response.header('content-encoding') ?? 'identity';
  let position: number;
  try {
    if (encoding !== 'identity') {
      throw new DaemonError(
        'unavailable',
        `${what}: ${response.url.host} sends it in ${encoding} form, which was not asked for`,
      );
    }
    position = firstByteOf(response, target, what);
    if (position > at)
      throw new DaemonError('unavailable', `${what}: ${response.url.host} begins at byte ${position}, not at ${at}`);
  } catch (error) {
    await response.discard();
    throw error;
  }
  for await (const bytes of response.body(transient)) {
    const end = position + bytes.length;
    if (end > target.size) throw sizeError(target, what, 'goes on beyond that');
    const fresh = bytes.subarray(Math.max(0, at - position));
    position = end;
    if (fresh.length > 0) yield fresh;
  }
  if (position < target.size && response.status === 200) {
    throw sizeError(target, what, `ends after ${position} bytes`);
  }
  if (position <= at)
    throw new ConnectionError(`${what}: ${response.url.host} sends a part without a byte in it`, true);
}

function firstByteOf(response: HttpResponse, target: Descriptor, what: string): number {
  if (response.status === 200) {
    const length = response.header('content-length');
    if (length !== undefined && Number(length) !== target.size) throw sizeError(target, what, `has ${length} there`);
    return 0;
  }
  const range = response.header('content-range') ?? '';
  const [, first, , total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(range.trim()) ?? [];
  if (first === undefined) {
    throw new DaemonError('unavailable', `${what}: ${response.url.host} answers with a part but does not say which`);
  }
  if (total !== '*' && Number(total) !== target.size) throw sizeError(target, what, `has ${total} there`);
  return Number(first);
}

function sizeError(target: Descriptor, what: string, found: string): DaemonError {
  return new DaemonError(
    'data-loss',
    `${what}: should have ${target.size} bytes, but ${found}; the registry's copy is not what was named`,
  );
}
