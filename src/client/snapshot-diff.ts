import { randomUUID } from 'node:crypto';
import { Teardown } from '../base/teardown.js';
import { DaemonError } from '../base/errors.js';
import { parseDigest } from '../spec/digest.js';
import { LABELS, rootLabels } from '../spec/labels.js';
import { readContent } from './content.js';
import type { Session } from './session.js';

const HOUR_MS = 60 * 60 * 1000;

export interface SnapshotDiff {
  readonly snapshotter: string;
  /** Key or name of a snapshot; without `to`, the one whose changes in its parent are wanted. */
  readonly from: string;
  readonly to?: string | undefined;
  /** Of the layer. */
  readonly mediaType: string;
  /** The layer stays in the content store. */
  readonly keep?: boolean;
}

/** What one snapshot has changed in another one, as a layer. @throws not-found: a snapshot. */
export async function* layerBetween(
  session: Session,
  { snapshotter, from, to, mediaType, keep = false }: SnapshotDiff,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const snapshots = session.service('containerd.services.snapshots.v1.Snapshots');
  const leases = session.service('containerd.services.leases.v1.Leases');
  const id = `snapshot-diff-${randomUUID()}`;
  const until = signal ? { signal } : {};
  await using down = new Teardown();
  // Should this program die before it can end the lease.
  const expiry = new Date(Date.now() + HOUR_MS).toISOString();
  await leases.create({ id, labels: { [LABELS.gcExpire]: expiry } }, until);
  down.add(async () => {
    await leases.delete({ id, sync: !keep });
  });
  const options = { ...until, lease: id, timeoutMs: 0 };
  const infoOf = async (key: string) => {
    const { info } = await snapshots.stat({ snapshotter, key }, options);
    return info ?? fail(`snapshot ${key}`);
  };
  let views = 0;
  /** A committed one is mounted by a view of it. */
  const mountsOf = async (key: string) => {
    if (key !== '' && (await infoOf(key)).kind !== 'COMMITTED')
      return (await snapshots.mounts({ snapshotter, key }, options)).mounts;
    const view = `${id}-${(views += 1)}`;
    const { mounts } = await snapshots.view({ snapshotter, key: view, parent: key }, options);
    down.add(async () => {
      await snapshots.remove({ snapshotter, key: view });
    });
    return mounts;
  };
  const [lower, upper] = to === undefined ? [(await infoOf(from)).parent, from] : [from, to];
  const labels = keep ? rootLabels(`ctr snapshots diff ${from}`) : {};
  const request = { left: await mountsOf(lower), right: await mountsOf(upper), media_type: mediaType, ref: id, labels };
  const { diff } = await session.service('containerd.services.diff.v1.Diff').diff(request, options);
  if (!diff) fail('a difference');
  yield* readContent(session, parseDigest(diff.digest), signal);
}

function fail(what: string): never {
  throw new DaemonError('internal', `${what}: the daemon answered without one`);
}
