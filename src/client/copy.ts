import { DaemonError } from '../base/errors.js';
import type { Outgoing } from '../rpc/handlers.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.copy.v1.CopyService';
const DATA_BYTES_MAX = 64 * 1024;

/** What `copyInto` is told; fields as in wharfd.services.copy.v1. */
export type CopyStart = Outgoing<'wharfd.services.copy.v1.WriteStart'>;

/** What is read from a container. */
export interface CopiedEntry {
  /** First component of all names in the tar. */
  readonly name: string;
  readonly directory: boolean;
  /** The tar; to be read to its end. Its names and links are the container's own: hostile. */
  readonly tar: AsyncIterable<Uint8Array>;
}

/**
 * Reads a file or a tree of a container as a tar.
 *
 * @param request.followLink What the path's last link leads to instead of the link.
 * @throws not-found: the container, or the path in it.
 */
export async function copyFrom(
  session: Session,
  request: { readonly id: string; readonly path: string; readonly followLink?: boolean },
  signal?: AbortSignal,
): Promise<CopiedEntry> {
  const { id, path, followLink = false } = request;
  const options = { timeoutMs: 0, ...(signal && { signal }) };
  const parts = session.service(SERVICE).read({ id, path, follow_link: followLink }, options)[Symbol.asyncIterator]();
  const first = await parts.next();
  const entry = first.done ? undefined : first.value.entry;
  if (!entry) throw new DaemonError('internal', `${id}:${path}: the daemon did not tell what it is`);
  async function* tar(): AsyncGenerator<Uint8Array> {
    for await (const { data } of { [Symbol.asyncIterator]: () => parts }) if (data) yield data;
  }
  return { name: entry.name, directory: entry.directory, tar: tar() };
}

/**
 * Unpacks a tar in a container. What was written before an error stays.
 *
 * @throws not-found: the container, or the directory in it. failed-precondition: a directory in the place of a file, or the other way.
 */
export async function copyInto(
  session: Session,
  start: CopyStart,
  tar: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  async function* requests() {
    yield { start };
    for await (const bytes of tar) {
      for (let at = 0; at < bytes.length; at += DATA_BYTES_MAX)
        yield { data: Buffer.from(bytes.subarray(at, at + DATA_BYTES_MAX)) };
    }
  }
  await session.service(SERVICE).write(requests(), { timeoutMs: 0, ...(signal && { signal }) });
}
