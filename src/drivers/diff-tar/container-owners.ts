import type { FileStat } from '../../core/kernel/directory-files.js';
import { toContainerId, type IdMapping } from '../../spec/id-mapping.js';

const CAPABILITY = 'security.capability';
/** linux/capability.h: revision 3 is revision 2 and the user on the host that is root where it counts. */
const REVISION_MASK = 0xff000000;
const REVISION = { two: 0x02000000, three: 0x03000000 } as const;
const BYTES = { two: 20, three: 24 } as const;
/** What the kernel shows for an id that it can't map. */
const NOBODY = 65534;

/** What a container sees of the owners that the host sees; without a mapping these. What the container lacks is nobody's. */
export function containerOwners<T extends Pick<FileStat, 'uid' | 'gid'>>(stat: T, mapping: IdMapping | undefined): T {
  if (!mapping) return stat;
  const { uids, gids } = mapping;
  return { ...stat, uid: toContainerId(uids, stat.uid) ?? NOBODY, gid: toContainerId(gids, stat.gid) ?? NOBODY };
}

/** The same for what attributes tell of users: capabilities of the container's root are those of a root. */
export function containerXattrs(
  xattrs: ReadonlyMap<string, Buffer>,
  mapping: IdMapping | undefined,
): ReadonlyMap<string, Buffer> {
  const value = xattrs.get(CAPABILITY);
  if (!mapping || value?.length !== BYTES.three) return xattrs;
  const magic = value.readUInt32LE(0);
  if ((magic & REVISION_MASK) !== REVISION.three) return xattrs;
  if (toContainerId(mapping.uids, value.readUInt32LE(BYTES.two)) !== 0) return xattrs;
  const plain = Buffer.from(value.subarray(0, BYTES.two));
  plain.writeUInt32LE(((magic & ~REVISION_MASK) | REVISION.two) >>> 0, 0);
  return new Map([...xattrs, [CAPABILITY, plain]]);
}
