import { DaemonError } from '../base/errors.js';
import type { Outgoing } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { withAccess, type RegistryAccess } from './registry-access.js';
import type { Session } from './session.js';

/** Something on disk that is not as it should be. */
export interface FsckFinding {
  /** blob or layer */
  readonly kind: string;
  /** Digest of a blob, chain ID of a layer. */
  readonly name: string;
  readonly namespaces: readonly string[];
  /** Of a layer. */
  readonly snapshotter?: string;
  /** missing, truncated or altered */
  readonly problem: string;
  /** Of a layer: some of the paths that are not as they should be. */
  readonly paths: readonly string[];
  readonly pathCount: number;
  readonly repaired: boolean;
  /** Why it could not be repaired. */
  readonly reason?: string;
}

export interface FsckReport {
  readonly findings: readonly FsckFinding[];
  readonly blobs: number;
  readonly layers: number;
  /** Layers without an inventory. */
  readonly uncheckedLayers: number;
  readonly repaired: number;
}

/** What is broken is fetched from registries; how they are reached. */
export interface FsckOptions extends RegistryAccess {
  /** Fetch broken content again, and unpack altered layers anew. */
  readonly repair?: boolean;
  readonly onFinding?: (finding: FsckFinding) => void;
  readonly onProgress?: (checked: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Compares content with its digests, and layers with their inventories, in all namespaces. */
export async function checkStores(session: Session, options: FsckOptions = {}): Promise<FsckReport> {
  const { repair = false, signal } = options;
  return repair
    ? withAccess(session, options, signal, (resolver) => check(session, { repair, resolver }, options))
    : check(session, { repair }, options);
}

async function check(
  session: Session,
  request: Outgoing<'wharfd.services.fsck.v1.CheckRequest'>,
  { onFinding, onProgress, signal }: FsckOptions,
): Promise<FsckReport> {
  const findings: FsckFinding[] = [];
  const replies = session
    .service('wharfd.services.fsck.v1.FsckService')
    .check(request, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  for await (const { progress, finding, summary } of replies) {
    if (progress) onProgress?.(toSafeNumber(progress.checked), toSafeNumber(progress.total));
    if (finding) {
      const { path_count, snapshotter, reason, ...rest } = finding;
      const found: FsckFinding = {
        ...rest,
        pathCount: toSafeNumber(path_count),
        ...(snapshotter === '' ? {} : { snapshotter }),
        ...(reason === '' ? {} : { reason }),
      };
      findings.push(found);
      onFinding?.(found);
    }
    if (!summary) continue;
    return {
      findings,
      blobs: toSafeNumber(summary.blobs),
      layers: toSafeNumber(summary.layers),
      uncheckedLayers: toSafeNumber(summary.unchecked_layers),
      repaired: toSafeNumber(summary.repaired),
    };
  }
  throw new DaemonError('internal', 'fsck: the daemon ended the call without a summary');
}
