import { DaemonError } from '../../base/errors.js';
import type { FetchOptions } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { failureOf } from './failure.js';
import { Patience } from './patience.js';
import type { RepositoryClient, RepositoryRequest } from './repository-client.js';
import type { HttpResponse } from './transport.js';

/**
 * The bytes of one object from `options.from` on. A connection that is cut is followed by one for the rest (RFC 9110, 14); a server
 * that always sends the whole is read past what is there.
 *
 * @param paths Behind `/v2/<repository>/`, tried in order while the answer is 404.
 */
export async function* objectBytes(
  client: RepositoryClient,
  target: Descriptor,
  paths: readonly string[],
  what: string,
  options: FetchOptions & { readonly tries?: number | undefined },
): AsyncGenerator<Uint8Array, void> {
  const { onWait, signal, tries } = options;
  const patience = new Patience(client.transport, { what, onWait, signal, tries });
  let at = options.from ?? 0;
  while (at < target.size) {
    const response = await firstFound(client, target, paths, { what, from: at, onWait, signal, tries });
    try {
      for await (const bytes of bodyFrom(response, at, target, what)) {
        at += bytes.length;
        patience.progressed();
        yield bytes;
      }
    } catch (error) {
      await patience.afterError(error);
    }
  }
}

async function firstFound(
  client: RepositoryClient,
  target: Descriptor,
  paths: readonly string[],
  request: Omit<RepositoryRequest, 'method' | 'path' | 'accept'> & { readonly from: number },
): Promise<HttpResponse> {
  for (const [index, path] of paths.entries()) {
    const response = await client.request({ ...request, method: 'GET', path, accept: `${target.mediaType}, */*` });
    if (response.status === 200 || response.status === 206) return response;
    if (response.status === 416) {
      await response.discard();
      throw sizeError(target, request.what, `has no byte ${request.from}`);
    }
    if (response.status !== 404 || index === paths.length - 1) throw await failureOf(response, request.what);
    await response.discard();
  }
  throw new DaemonError('internal', `${request.what}: no address to fetch it from`);
}

/** The part of a response's body that begins at byte `at` of the object. @throws data-loss: the object has another size. */
async function* bodyFrom(
  response: HttpResponse,
  at: number,
  target: Descriptor,
  what: string,
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
  for await (const bytes of response.body()) {
    const end = position + bytes.length;
    if (end > target.size) throw sizeError(target, what, 'goes on beyond that');
    const fresh = bytes.subarray(Math.max(0, at - position));
    position = end;
    if (fresh.length > 0) yield fresh;
  }
  if (position < target.size && response.status === 200) {
    throw sizeError(target, what, `ends after ${position} bytes`);
  }
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
