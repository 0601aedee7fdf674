import { DaemonError } from '../../base/errors.js';
import type { PaxValues } from './pax.js';
import type { TarEntry, TarEntryType } from './tar-entry.js';
import type { TarHeader } from './tar-header.js';

/** Names that GNU headers of type `L` and `K` gave for the next entry. */
export interface LongNames {
  name?: Buffer;
  link?: Buffer;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};
const SLASH = 0x2f;
const NO_BYTES = Buffer.alloc(0);
const NO_DEVICE = { major: 0, minor: 0 };
/** 2^32-1 means "leave as it is" to chown(2). */
const ID_MAX = 2 ** 32 - 2;

/**
 * Puts a header and what extended headers said of it together. PAX goes before GNU names, these before the header.
 *
 * @throws invalid-argument: a type that we do not know, or a number that can't be.
 */
export function entryOf(header: TarHeader, pax: PaxValues, long: LongNames): TarEntry {
  const name = nameOf(header, pax, long);
  const type = typeOf(header, name);
  const isDevice = type === 'char' || type === 'block';
  return {
    type,
    name,
    link: linkOf(type, header, pax, long),
    mode: header.mode,
    uid: checkId(pax.uid ?? header.uid, 'uid'),
    gid: checkId(pax.gid ?? header.gid, 'gid'),
    ...sizesOf(type, header, pax),
    mtime: pax.mtime ?? { seconds: header.mtime, nanoseconds: 0 },
    device: isDevice ? { major: header.major, minor: header.minor } : NO_DEVICE,
    ...(pax.atime ? { atime: pax.atime } : {}),
    ...(pax.xattrs ? { xattrs: pax.xattrs } : {}),
  };
}

function nameOf(header: TarHeader, pax: PaxValues, long: LongNames): Buffer {
  return pax.sparse?.name ?? pax.path ?? long.name ?? header.name;
}

function linkOf(type: TarEntryType, header: TarHeader, pax: PaxValues, long: LongNames): Buffer {
  if (type !== 'symlink' && type !== 'hardlink') return NO_BYTES;
  return pax.linkPath ?? long.link ?? header.link;
}

/** Only files have data, whatever the header of another type says. */
function sizesOf(type: TarEntryType, header: TarHeader, pax: PaxValues): Pick<TarEntry, 'storedBytes' | 'sizeBytes'> {
  if (type !== 'file') return { storedBytes: 0, sizeBytes: 0 };
  const storedBytes = pax.sizeBytes ?? header.sizeBytes;
  if (storedBytes < 0) throw new DaemonError('invalid-argument', 'tar: an entry has a negative size');
  return { storedBytes, sizeBytes: pax.sparse?.sizeBytes ?? storedBytes };
}

/** Archives older than POSIX mark a directory by a slash behind its name. */
function typeOf(header: TarHeader, name: Buffer): TarEntryType {
  const flag = header.typeFlag;
  const type = Object.hasOwn(TYPES, flag) ? TYPES[flag] : undefined;
  if (type === undefined) {
    throw new DaemonError(
      'invalid-argument',
      `tar: entry of unknown type ${JSON.stringify(flag)}: it can't be unpacked`,
    );
  }
  return (flag === '0' || flag === '\0') && name.at(-1) === SLASH ? 'directory' : type;
}

function checkId(id: number, what: string): number {
  if (id >= 0 && id <= ID_MAX) return id;
  throw new DaemonError('invalid-argument', `tar: ${what} ${id} is not between 0 and ${ID_MAX}`);
}
