import { isUtf8 } from 'node:buffer';
import { DaemonError } from '../../base/errors.js';
import type { FileTime } from '../../core/kernel/directory-files.js';
import { quotePath } from './entry-path.js';
import type { TarEntry, TarEntryType } from './tar-entry.js';
import { BLOCK_BYTES } from './tar-header.js';

const TYPE_FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const NAME_BYTES_MAX = 100;
/** What seven and eleven octal digits hold. */
const NUMBER_MAX = 0o7777777;
const LARGE_NUMBER_MAX = 0o77777777777;
const NO_BYTES = Buffer.alloc(0);
/** The same for every member, so that equal trees give equal layers. */
const PAX_NAME = Buffer.from('PaxHeaders/member');

/** The end of an archive. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

/** NULs that fill a member's data up to a whole block. */
export function padding(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/**
 * The header of a member (POSIX.1-2001 ustar and pax), with an extended header before it where ustar does not have the room: long names or
 * ones that are not ASCII, times with nanoseconds or before 1970, large owners and sizes, extended attributes.
 *
 * @throws failed-precondition: an attribute whose name an extended header can't hold.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  const header = ustar(entry, TYPE_FLAGS[entry.type]);
  if (records.length === 0) return header;
  const data = Buffer.concat(records);
  const extended = ustar(paxEntry(data.length), 'x');
  return Buffer.concat([extended, data, Buffer.alloc(padding(data.length)), header]);
}

function paxEntry(sizeBytes: number): TarEntry {
  return {
    ...{ type: 'file', name: PAX_NAME, link: NO_BYTES, mode: 0o644, uid: 0, gid: 0, storedBytes: sizeBytes, sizeBytes },
    mtime: { seconds: 0, nanoseconds: 0 },
    device: { major: 0, minor: 0 },
  };
}

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  const { name, link, uid, gid, sizeBytes, mtime, xattrs = new Map<string, Buffer>() } = entry;
  if ([name, link].some((bytes) => needsPax(bytes) && !isUtf8(bytes))) records.push(record('hdrcharset', 'BINARY'));
  if (needsPax(name)) records.push(record('path', name));
  if (needsPax(link)) records.push(record('linkpath', link));
  if (sizeBytes > LARGE_NUMBER_MAX) records.push(record('size', String(sizeBytes)));
  if (uid > NUMBER_MAX) records.push(record('uid', String(uid)));
  if (gid > NUMBER_MAX) records.push(record('gid', String(gid)));
  if (!fitsUstar(mtime)) records.push(record('mtime', timeText(mtime)));
  for (const [key, value] of xattrs) {
    if (key.includes('=')) {
      throw new DaemonError(
        'failed-precondition',
        `${quotePath(name)} has an extended attribute with "=" in its name, which no layer can have: remove it`,
      );
    }
    records.push(record(`SCHILY.xattr.${key}`, value));
  }
  return records;
}

/** Whether a name is too long for its field, or would be read in various ways. */
function needsPax(bytes: Buffer): boolean {
  return bytes.length > NAME_BYTES_MAX || bytes.some((byte) => byte >= 0x80);
}

function fitsUstar({ seconds, nanoseconds }: FileTime): boolean {
  return nanoseconds === 0 && seconds >= 0 && seconds <= LARGE_NUMBER_MAX;
}

/** A decimal fraction; below zero it counts backwards from the second above. */
function timeText({ seconds, nanoseconds }: FileTime): string {
  const negative = seconds < 0;
  const [whole, rest] =
    negative && nanoseconds > 0 ? [seconds + 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${negative ? '-' : ''}${Math.abs(whole)}${fraction}`;
}

/** `<length> <key>=<value>\n`, the length counting its own digits. */
function record(key: string, value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const tail = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), bytes, Buffer.from('\n')]);
  let length = tail.length + 1;
  while (length !== tail.length + String(length).length) length = tail.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), tail]);
}

function ustar(entry: TarEntry, typeFlag: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { mode, uid, gid, sizeBytes, mtime, device, type } = entry;
  copyName(block, 0, entry.name);
  octal(block, 100, 8, mode & 0o7777);
  octal(block, 108, 8, uid > NUMBER_MAX ? 0 : uid);
  octal(block, 116, 8, gid > NUMBER_MAX ? 0 : gid);
  octal(block, 124, 12, sizeBytes > LARGE_NUMBER_MAX ? 0 : sizeBytes);
  octal(block, 136, 12, Math.min(Math.max(mtime.seconds, 0), LARGE_NUMBER_MAX));
  block.write(typeFlag, 156, 'latin1');
  copyName(block, 157, entry.link);
  block.write('ustar\x0000', 257, 'latin1');
  if (type === 'char' || type === 'block') {
    octal(block, 329, 8, device.major);
    octal(block, 337, 8, device.minor);
  }
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The beginning of a name that an extended header tells whole. */
function copyName(block: Buffer, at: number, name: Buffer): void {
  name.copy(block, at, 0, Math.min(name.length, NAME_BYTES_MAX));
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}
