import { DaemonError } from '../base/errors.js';
import { toSafeNumber } from '../rpc/int64.js';
import { parseDigest, type Digest } from '../spec/digest.js';
import type { Platform } from '../spec/platform.js';
import { toWirePlatform } from './platforms.js';
import type { Session } from './session.js';

const CHUNK_BYTES = 1024 * 1024;
const SERVICE = 'wharfd.services.rootfs.v1.RootfsService';

/** A mount as a snapshotter describes it. */
export interface ClientMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface UnpackOptions {
  /** Which manifest of an index; the daemon's own by default. */
  readonly platform?: Platform | undefined;
  readonly snapshotter?: string | undefined;
  readonly onProgress?: (step: { readonly name: string; readonly offset: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Turns the layers of a stored manifest into snapshots.
 *
 * @returns The chain ID.
 */
export async function unpackManifest(session: Session, digest: string, options: UnpackOptions = {}): Promise<string> {
  const { snapshotter = '', platform, onProgress, signal } = options;
  const wanted = platform ? { platform: toWirePlatform(platform) } : {};
  const replies = session
    .service(SERVICE)
    .unpack({ target: { digest }, snapshotter, ...wanted }, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  for await (const { progress, result } of replies) {
    if (progress) {
      onProgress?.({
        name: progress.name,
        offset: toSafeNumber(progress.progress),
        total: toSafeNumber(progress.total),
      });
    }
    if (result) return result.chain_id;
  }
  throw new DaemonError('internal', `unpacking ${digest}: the daemon ended the call without a result`);
}

/** Makes a snapshot named `key` on a chain. */
export async function prepareRootfs(
  session: Session,
  request: {
    readonly key: string;
    readonly chainId: string;
    readonly readonly?: boolean;
    readonly snapshotter?: string;
  },
  signal?: AbortSignal,
): Promise<readonly ClientMount[]> {
  const { key, chainId, readonly = false, snapshotter = '' } = request;
  const reply = await session
    .service(SERVICE)
    .prepare({ key, chain_id: chainId, readonly, snapshotter }, signal ? { signal } : {});
  return reply.mounts;
}

/**
 * Ends what `unpackManifest` and `prepareRootfs` keep.
 *
 * @param request.key A prepared snapshot, or a chain ID.
 * @param request.sync Comes back when the space is free.
 * @returns True when it is still there, as something else keeps it.
 * @throws not-found. failed-precondition: a container or another snapshot needs it.
 */
export async function removeRootfs(
  session: Session,
  request: { readonly key: string; readonly snapshotter?: string; readonly sync?: boolean },
  signal?: AbortSignal,
): Promise<boolean> {
  return (await session.service(SERVICE).remove(request, signal ? { signal } : {})).kept;
}

/** The mounts of a snapshot. */
export async function rootfsMounts(
  session: Session,
  key: string,
  snapshotter = '',
  signal?: AbortSignal,
): Promise<readonly ClientMount[]> {
  const reply = await session.service(SERVICE).mounts({ key, snapshotter }, signal ? { signal } : {});
  return reply.mounts;
}

/**
 * Mounts an image's file system at a directory of the daemon's machine, until `unmountImage`.
 *
 * @param request.directory Absolute path.
 * @throws not-found: the image or the directory. failed-precondition: something is mounted there already.
 */
export async function mountImage(
  session: Session,
  request: {
    readonly image: string;
    readonly directory: string;
    readonly writable?: boolean;
    readonly snapshotter?: string;
  },
  signal?: AbortSignal,
): Promise<void> {
  await session.service(SERVICE).mount(request, { timeoutMs: 0, ...(signal ? { signal } : {}) });
}

/** Ends a mount of `mountImage`, with what was written there. @throws not-found: no such mount. failed-precondition: it is in use. */
export async function unmountImage(session: Session, directory: string, signal?: AbortSignal): Promise<void> {
  await session.service(SERVICE).unmount({ directory }, { timeoutMs: 0, ...(signal ? { signal } : {}) });
}

/** A layer that was applied. */
export interface AppliedLayer {
  /** Digest of the uncompressed layer. */
  readonly diffId: Digest;
  /** Bytes of the uncompressed layer. */
  readonly size: number;
  /** Members of the tar. */
  readonly entries: number;
}

/**
 * Applies a layer to a directory of the daemon's machine; whiteouts remove what is there.
 *
 * @param directory Absolute path.
 * @param bytes A tar, plain or packed by gzip or zstd.
 * @throws not-found: no such directory. invalid-argument: no layer. data-loss: the stream is cut or broken.
 */
export async function applyLayer(
  session: Session,
  directory: string,
  bytes: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<AppliedLayer> {
  async function* messages() {
    yield { directory };
    for await (const piece of bytes) {
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
        yield { data: Buffer.from(piece.subarray(at, at + CHUNK_BYTES)) };
      }
    }
  }
  const options = { timeoutMs: 0, ...(signal ? { signal } : {}) };
  const reply = await session.service(SERVICE).apply(messages(), options);
  return { diffId: parseDigest(reply.diff_id), size: toSafeNumber(reply.size), entries: toSafeNumber(reply.entries) };
}
