import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { DaemonError, isKind } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { LABELS, type Labels } from '../../spec/labels.js';
import { MEDIA_TYPES, packingOf } from '../../spec/media-types.js';
import type { ContentInfo, ContentStore } from '../content/content-store.js';
import type { FileTime } from '../kernel/directory-files.js';
import { mappingOf, withoutMapping } from '../kernel/mount-mapping.js';
import type { Mount, Mounts } from '../kernel/mounts.js';
import { readonlyMounts } from '../kernel/readonly-mounts.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { DiffedLayer, DiffLayerTask, DiffSides, ListChangesTask, ListedChange } from './layer-tasks.js';
import { isBind, layersShown, upperShown } from './overlay-mount.js';
import { Scratch } from './scratch.js';
import type { WorkerPool } from './worker-pool.js';

export interface DiffOptions {
  /** Of a layer; empty for the OCI one packed by gzip. */
  readonly mediaType?: string;
  /** Name of the ingest; empty: one is made up. */
  readonly ref?: string;
  /** For the content. */
  readonly labels?: Labels;
  /** Files with a later time get this one, as SOURCE_DATE_EPOCH wants it. */
  readonly latestTime?: FileTime;
  readonly signal?: AbortSignal;
}

/** A layer that was made. */
export interface MadeLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: Digest;
}

/** Tells in what one file system differs from another. Mounts are those of a snapshotter; none stand for an empty tree. */
export interface Comparer {
  /**
   * Puts the difference into the content store as a layer: equal trees give an equal layer. Applied to `left` it gives `right`, with owners, modes,
   * times, allowed attributes, hard links and devices; sockets are left out.
   *
   * @throws unimplemented: a media type of no layer. failed-precondition: a file whose name means a deletion in a layer. unavailable:
   * another writer holds the ref. resource-exhausted: too many changes.
   */
  diff(scope: Scope, left: readonly Mount[], right: readonly Mount[], options?: DiffOptions): Promise<MadeLayer>;
  /** Lists the changed paths, directories before what is in them. */
  changes(left: readonly Mount[], right: readonly Mount[], signal?: AbortSignal): Promise<readonly ListedChange[]>;
  /** Removes what an earlier run of the daemon left behind. */
  clean(): Promise<void>;
}

export interface ComparerParts {
  readonly content: Scoped<ContentStore>;
  /** Its workers know `diff-layer` and `list-changes`. */
  readonly pool: WorkerPool;
  readonly mounts: Mounts;
  /** A directory of its own for layers in the making and for mounts. */
  readonly scratch: string;
}

export function createComparer(parts: ComparerParts): Comparer {
  const { content, pool } = parts;
  const scratch = new Scratch(parts.scratch, parts.mounts);
  return {
    async diff(scope, left, right, { mediaType = '', ref = '', labels = {}, latestTime, signal } = {}) {
      const type = mediaType === '' ? MEDIA_TYPES.ociLayerGzip : mediaType;
      const packing = packingOf(type);
      if (packing === undefined) throw new DaemonError('unimplemented', `unsupported diff media type: ${type}`);
      const spool = await scratch.path();
      try {
        const made = await compare<DiffedLayer>(scratch, left, right, async (sides) => {
          const task: DiffLayerTask = { kind: 'diff-layer', request: { sides, spool, packing, latestTime } };
          return await pool.run(task, signal ? { signal } : {});
        });
        const kept = packing === 'none' ? labels : { ...labels, [LABELS.uncompressed]: made.diffId };
        const { digest, size } = await store(content(scope), spool, { ref, labels: kept, signal });
        return { descriptor: { mediaType: type, digest, size }, diffId: made.diffId };
      } finally {
        await rm(spool, { force: true });
        faultPoint('the spool of a diff is removed');
      }
    },
    changes: (left, right, signal) =>
      compare<readonly ListedChange[]>(scratch, left, right, async (sides) => {
        const task: ListChangesTask = { kind: 'list-changes', sides };
        return await pool.run(task, signal ? { signal } : {});
      }),
    clean: () => scratch.clean(),
  };
}

/** An upper directory is read as it is where `left` is what lies below it; anything else is seen as whole trees. */
async function compare<T>(
  scratch: Scratch,
  left: readonly Mount[],
  right: readonly Mount[],
  work: (sides: DiffSides) => Promise<T | undefined>,
): Promise<T> {
  if (right.length === 0) throw new DaemonError('invalid-argument', 'no mounts to compare: invalid argument');
  const own = upperShown(right);
  const mapping = right.map(({ options }) => mappingOf(options)).find((found) => found !== undefined);
  if (own && layersShown(left)?.join('\0') === own.lower.join('\0')) {
    const done = await work({ kind: 'upper', ...own, ...(mapping && { mapping }) });
    if (done !== undefined) return done;
  }
  const trees = async (a: string | undefined): Promise<T> => {
    const done =
      own && mapping
        ? await asHost(scratch, right, (b) => work({ kind: 'trees', left: a, right: b, mapping }))
        : await seen(scratch, right, (b) => work({ kind: 'trees', left: a, right: b }));
    if (done === undefined) throw new DaemonError('internal', 'a comparison of whole trees came to nothing');
    return done;
  };
  return left.length === 0 ? await trees(undefined) : await seen(scratch, left, trees);
}

/** A bind mount's source shows what the mount does. */
async function seen<T>(scratch: Scratch, mounts: readonly Mount[], work: (path: string) => Promise<T>): Promise<T> {
  const [only, ...more] = mounts;
  if (only && more.length === 0 && only.target === undefined && isBind(only)) return await work(only.source);
  const asOnDisk = mounts.map((mount) => ({ ...mount, options: withoutMapping(mount.options) }));
  return await scratch.mounted(readonlyMounts(asOnDisk), work);
}

/** What was written has the host's owners, so what lies below it is seen with these, too. */
async function asHost<T>(scratch: Scratch, mounts: readonly Mount[], work: (path: string) => Promise<T>): Promise<T> {
  const unchanging = mounts.map((mount) => ({ ...mount, options: [...mount.options, 'ro'] }));
  return await scratch.mounted(unchanging, work);
}

async function store(
  content: ContentStore,
  path: string,
  { ref, labels, signal }: { readonly ref: string; readonly labels: Labels; readonly signal: AbortSignal | undefined },
): Promise<Pick<ContentInfo, 'digest' | 'size'>> {
  const name = ref === '' ? `diff-${randomBytes(8).toString('hex')}` : ref;
  await using writer = await content.writer(name, {}, signal);
  try {
    await writer.truncate(0);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) await writer.write(chunk as Buffer);
    const [digest, size] = [writer.digest(), writer.status().offset];
    try {
      return await writer.commit({}, labels, signal);
    } catch (cause) {
      if (!isKind(cause, 'already-exists')) throw cause;
      const paths = Object.keys(labels).map((key) => `labels.${key}`);
      if (paths.length > 0) await content.update(digest, labels, paths);
      return { digest, size };
    }
  } catch (cause) {
    await writer[Symbol.asyncDispose]();
    await content.abort(name).catch((gone: unknown) => {
      if (!isKind(gone, 'not-found')) throw gone;
    });
    throw cause;
  }
}
