import type { FileStat } from '../kernel/directory-files.js';
import { toContainerId, toHostId, type IdMapping, type IdRange } from '../../spec/id-mapping.js';

const CAPABILITY = 'security.capability';
/** linux/capability.h: revision 3 is revision 2 and the user on the host that is root where it counts. */
const REVISION_MASK = 0xff000000;
const REVISION = { two: 0x02000000, three: 0x03000000 } as const;
const BYTES = { two: 20, three: 24 } as const;
/** What the kernel shows for an id that it can't map. */
const NOBODY = 65534;

/** linux/posix_acl_xattr.h: a version, then of each entry tag, permissions (16 bits each) and id (32 bits), little-endian. */
const ACLS: ReadonlySet<string> = new Set(['system.posix_acl_access', 'system.posix_acl_default']);
const ACL_VERSION = 2;
const ACL_HEADER_BYTES = 4;
const ACL_ENTRY_BYTES = 8;
/** Entries of the other tags have no id. */
const ACL_TAG = { user: 0x02, group: 0x08 } as const;

/** What a container sees of the owners that the host sees; without a mapping these. What the container lacks is nobody's. */
export function containerOwners<T extends Pick<FileStat, 'uid' | 'gid'>>(stat: T, mapping: IdMapping | undefined): T {
  if (!mapping) return stat;
  return { ...stat, uid: toContainer(mapping.uids, stat.uid), gid: toContainer(mapping.gids, stat.gid) };
}

/** The same for what attributes tell of users: capabilities of the container's root are those of a root, and ACLs name the container's. */
export function containerXattrs(
  xattrs: ReadonlyMap<string, Buffer>,
  mapping: IdMapping | undefined,
): ReadonlyMap<string, Buffer> {
  if (!mapping) return xattrs;
  return mapped(xattrs, (name, value) =>
    name === CAPABILITY ? plainCapability(value, mapping) : mapAcl(name, value, mapping, toContainer),
  );
}

/** ACLs as the host sees those of a container. */
export function hostXattrs(xattrs: ReadonlyMap<string, Buffer>, mapping: IdMapping): ReadonlyMap<string, Buffer> {
  return mapped(xattrs, (name, value) => mapAcl(name, value, mapping, (ranges, id) => toHostId(ranges, id) ?? id));
}

function toContainer(ranges: readonly IdRange[], id: number): number {
  return toContainerId(ranges, id) ?? NOBODY;
}

/** The same map where nothing changes. @param change Gives back a value that stays. */
function mapped(
  xattrs: ReadonlyMap<string, Buffer>,
  change: (name: string, value: Buffer) => Buffer,
): ReadonlyMap<string, Buffer> {
  const changed = [...xattrs].map(([name, value]) => [name, change(name, value)] as const);
  return changed.every(([name, value]) => xattrs.get(name) === value) ? xattrs : new Map(changed);
}

function plainCapability(value: Buffer, mapping: IdMapping): Buffer {
  if (value.length !== BYTES.three) return value;
  const magic = value.readUInt32LE(0);
  if ((magic & REVISION_MASK) !== REVISION.three) return value;
  if (toContainerId(mapping.uids, value.readUInt32LE(BYTES.two)) !== 0) return value;
  const plain = Buffer.from(value.subarray(0, BYTES.two));
  plain.writeUInt32LE(((magic & ~REVISION_MASK) | REVISION.two) >>> 0, 0);
  return plain;
}

function mapAcl(
  name: string,
  value: Buffer,
  { uids, gids }: IdMapping,
  change: (ranges: readonly IdRange[], id: number) => number,
): Buffer {
  const isAcl = ACLS.has(name) && value.length >= ACL_HEADER_BYTES && value.readUInt32LE(0) === ACL_VERSION;
  if (!isAcl) return value;
  const acl = Buffer.from(value);
  for (let at = ACL_HEADER_BYTES; at + ACL_ENTRY_BYTES <= acl.length; at += ACL_ENTRY_BYTES) {
    const tag = acl.readUInt16LE(at);
    if (tag !== ACL_TAG.user && tag !== ACL_TAG.group) continue;
    const ranges = tag === ACL_TAG.user ? uids : gids;
    acl.writeUInt32LE(change(ranges, acl.readUInt32LE(at + 4)), at + 4);
  }
  return acl.equals(value) ? value : acl;
}
