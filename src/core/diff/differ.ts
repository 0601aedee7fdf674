import { createWriteStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaemonError, isErrno } from '../../base/errors.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { faultPoint } from '../../base/fault-point.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import type { BlobFiles } from '../content/blob-files.js';
import type { Disks } from '../kernel/disks.js';
import type { Mount, Mounts } from '../kernel/mounts.js';
import type { Scope } from '../namespaces/scope.js';
import type { Applied, Applier, ApplyLimits } from './applier.js';
import type { RemoveTreeTask, TieLayerTask, TieResult } from './layer-tasks.js';
import { overlayOption } from './overlay-mount.js';
import { Scratch } from './scratch.js';
import type { WorkerPool } from './worker-pool.js';

/** Applies layers where a client says. */
export interface Differ {
  /**
   * Applies a stored layer to what the mounts stand for (WIRE.md 11): one overlay mount gets it into its upper directory, one bind mount
   * plainly, anything else is mounted for the time.
   *
   * @returns The uncompressed layer: digest and size.
   * @throws not-found: the content. invalid-argument: no mounts; and what Applier throws. What was written by then stays.
   */
  apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    options?: { readonly sync?: boolean; readonly signal?: AbortSignal },
  ): Promise<Descriptor>;
  /**
   * Applies a layer to a directory, plainly.
   *
   * @param directory Absolute path.
   * @param bytes A tar, plain or packed.
   * @throws not-found: no such directory. invalid-argument: no absolute path; and what Applier throws.
   */
  applyTo(directory: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Applied>;
  /** Removes what an earlier run of the daemon left behind. */
  clean(): Promise<void>;
}

export interface DifferParts {
  readonly blobFiles: BlobFiles;
  readonly applier: Applier;
  readonly pool: WorkerPool;
  readonly kernel: { readonly mounts: Mounts; readonly disks: Disks };
  readonly limits: ApplyLimits;
  /** A directory of its own for layers that come as a stream and for mounts. */
  readonly scratch: string;
}

/** Where a layer is written. */
interface Target {
  readonly directory: string;
  readonly form: 'overlay' | 'plain';
  /** Directories of the layers below, nearest first. */
  readonly lower: readonly string[];
}

export function createDiffer(parts: DifferParts): Differ {
  return new LayerDiffer(parts);
}

class LayerDiffer implements Differ {
  readonly #parts: DifferParts;
  readonly #scratch: Scratch;
  /** By upper directory: one that has to be emptied for a layer must not be another one's too. */
  readonly #uppers = new KeyedLock();

  constructor(parts: DifferParts) {
    this.#parts = parts;
    this.#scratch = new Scratch(parts.scratch, parts.kernel.mounts);
  }

  async apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    options: { readonly sync?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<Descriptor> {
    const { signal, sync = false } = options;
    await using blob = await this.#parts.blobFiles(scope, layer.digest, signal);
    const applied = await this.#at(mounts, async (target) => {
      const done = await this.#write(blob.path, layer.mediaType, target, signal);
      if (sync) await this.#parts.kernel.disks.sync(target.directory);
      return done;
    });
    return { mediaType: MEDIA_TYPES.ociLayer, digest: applied.diffId, size: applied.tarBytes };
  }

  async applyTo(directory: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Applied> {
    await checkDirectory(directory);
    const spool = await this.#scratch.path();
    try {
      await pipeline(bytes, createWriteStream(spool, { flags: 'wx', mode: 0o600 }), signal ? { signal } : {});
      return await this.#write(spool, MEDIA_TYPES.ociLayer, { directory, form: 'plain', lower: [] }, signal);
    } finally {
      await rm(spool, { force: true });
      faultPoint('the spool of a layer is removed');
    }
  }

  async clean(): Promise<void> {
    await this.#scratch.clean();
  }

  async #write(blobPath: string, mediaType: string, target: Target, signal?: AbortSignal): Promise<Applied> {
    const write = () => this.#writeInto(blobPath, mediaType, target, signal);
    return target.form === 'overlay' ? await this.#uppers.run(target.directory, write, signal) : await write();
  }

  async #writeInto(blobPath: string, mediaType: string, target: Target, signal?: AbortSignal): Promise<Applied> {
    const { applier, pool, limits } = this.#parts;
    const { directory, form, lower } = target;
    const watch = signal ? { signal } : {};
    const request = { blobPath, mediaType, directory, form, limits, ...watch };
    const tie = async ({ deferred }: Applied): Promise<TieResult> => {
      const task: TieLayerTask = { kind: 'tie-layer', directory, lower, deferred };
      return deferred.length > 0 ? await pool.run<TieResult>(task, watch) : 'tied';
    };
    // What is in it may have been put there by an earlier layer: that can't be done over.
    const isByItself = form === 'plain' || (await readdir(directory)).length === 0;
    if (isByItself) {
      const applied = await applier.apply(request);
      if ((await tie(applied)) === 'tied') return applied;
      for (const name of await readdir(directory, 'buffer')) {
        const task: RemoveTreeTask = { kind: 'remove-tree', parent: directory, name };
        await pool.run(task, watch);
      }
    }
    const applied = await applier.apply({ ...request, lower });
    await tie(applied);
    return applied;
  }

  async #at<T>(mounts: readonly Mount[], work: (target: Target) => Promise<T>): Promise<T> {
    const [only, ...more] = mounts;
    if (only === undefined)
      throw new DaemonError('invalid-argument', 'no mounts to apply the layer to: invalid argument');
    const direct = more.length === 0 ? targetOf(only) : undefined;
    if (direct) return await work(direct);
    return await this.#scratch.mounted(mounts, (directory) => work({ directory, form: 'plain', lower: [] }));
  }
}

/** The directory behind a mount, where it can be written without mounting. */
function targetOf({ type, source, options, target }: Mount): Target | undefined {
  if (target !== undefined) return undefined;
  if (type === 'bind' || options.includes('bind') || options.includes('rbind')) {
    return options.includes('ro') ? undefined : { directory: source, form: 'plain', lower: [] };
  }
  const upper = overlayOption(options, 'upperdir');
  const lower = overlayOption(options, 'lowerdir');
  if (type !== 'overlay' || upper === undefined || lower === undefined) return undefined;
  return { directory: upper, form: 'overlay', lower: lower.split(':') };
}

async function checkDirectory(path: string): Promise<void> {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new DaemonError('invalid-argument', `${JSON.stringify(path)} is no absolute path of a directory`);
  }
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause;
    throw new DaemonError('not-found', `directory ${path} does not exist: make it first`, { cause });
  }
  throw new DaemonError('invalid-argument', `${path} is no directory`);
}
