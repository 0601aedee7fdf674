import { DaemonError } from '../base/errors.js';
import { parseDigest, type Digest } from '../spec/digest.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.changes.v1.ChangesService';

/** A path in which a container's file system differs from its image's. */
export interface PathChange {
  /** `replaced`: a directory of which nothing is left but its name. */
  readonly kind: 'added' | 'modified' | 'deleted' | 'replaced';
  /** Absolute, as raw bytes. */
  readonly path: Buffer;
}

const KINDS: Readonly<Record<string, PathChange['kind']>> = {
  CHANGE_KIND_ADDED: 'added',
  CHANGE_KIND_MODIFIED: 'modified',
  CHANGE_KIND_DELETED: 'deleted',
  CHANGE_KIND_REPLACED: 'replaced',
};

/** What a container has changed, directories before what is in them. @throws not-found: the container or its image. */
export async function* containerChanges(session: Session, id: string, signal?: AbortSignal): AsyncIterable<PathChange> {
  for await (const { changes } of session.service(SERVICE).diff({ id }, unlimited(signal)))
    yield* changes.map(toChange);
}

/**
 * In what one file system differs from another, directories before what is in them. A name is one of a container, an image or a
 * snapshot: the first of these that there is.
 *
 * @param names.snapshotter Of images and snapshots; default: the daemon's.
 * @throws not-found: nothing has one of the names, or an image is not unpacked.
 */
export async function* compareTrees(
  session: Session,
  names: { readonly left: string; readonly right: string; readonly snapshotter?: string | undefined },
  signal?: AbortSignal,
): AsyncIterable<PathChange> {
  const { left, right, snapshotter = '' } = names;
  const answers = session.service(SERVICE).compare({ left, right, snapshotter }, unlimited(signal));
  for await (const { changes } of answers) yield* changes.map(toChange);
}

function toChange({ kind, path }: { readonly kind: string; readonly path: Buffer }): PathChange {
  return { kind: KINDS[kind] ?? 'modified', path };
}

/**
 * Makes an image of a container: its image with one more layer.
 *
 * @param request.pause Pause a running container for the time.
 * @returns Digest of the image's manifest.
 */
export async function commitContainer(
  session: Session,
  request: {
    readonly id: string;
    readonly image: string;
    readonly author?: string | undefined;
    readonly comment?: string | undefined;
    readonly pause: boolean;
  },
  signal?: AbortSignal,
): Promise<Digest> {
  const { id, image, author = '', comment = '', pause } = request;
  const { target } = await session
    .service(SERVICE)
    .commit({ id, image, author, comment, running: !pause }, unlimited(signal));
  if (!target) throw new DaemonError('internal', `container ${id}: the daemon answered without an image`);
  return parseDigest(target.digest);
}

/**
 * Makes a container like another, whose file system starts as that one's is now.
 *
 * @throws already-exists: `newId`. failed-precondition: the container's process runs.
 */
export async function forkContainer(session: Session, id: string, newId: string, signal?: AbortSignal): Promise<void> {
  await session.service(SERVICE).fork({ id, new_id: newId }, signal ? { signal } : {});
}

function unlimited(signal: AbortSignal | undefined): { timeoutMs: number; signal?: AbortSignal } {
  return { timeoutMs: 0, ...(signal && { signal }) };
}
