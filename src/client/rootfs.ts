import { DaemonError } from '../base/errors.js';
import { toSafeNumber } from '../rpc/int64.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.rootfs.v1.RootfsService';

/** A mount as a snapshotter describes it. */
export interface ClientMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface UnpackOptions {
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
  const { snapshotter = '', onProgress, signal } = options;
  const replies = session
    .service(SERVICE)
    .unpack({ target: { digest }, snapshotter }, { timeoutMs: 0, ...(signal ? { signal } : {}) });
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
