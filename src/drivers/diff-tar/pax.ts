import { DaemonError } from '../../base/errors.js';
import type { FileTime } from '../../core/kernel/directory-files.js';
import type { SparseSegment } from './tar-entry.js';
import { parseDecimal } from './tar-number.js';

const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const XATTR = 'SCHILY.xattr.';
const XATTR_NAME_BYTES_MAX = 255;
const XATTR_BYTES_MAX = 65_536;

/** What PAX records say of an entry (POSIX pax format; GNU tar's manual, "Storing Sparse Files"). */
export interface PaxValues {
  path?: Buffer;
  linkPath?: Buffer;
  sizeBytes?: number;
  uid?: number;
  gid?: number;
  mtime?: FileTime;
  atime?: FileTime;
  /** Keys are latin1 strings of the raw bytes. An empty value is a value. */
  xattrs?: Map<string, Buffer>;
  sparse?: PaxSparse;
}

/** GNU.sparse records: version 0.0 and 0.1 bring the segments, 1.0 has them before the data. */
export interface PaxSparse {
  segments: SparseSegment[];
  /** Offset of a 0.0 segment whose length has not come yet. */
  openOffset?: number;
  name?: Buffer;
  sizeBytes?: number;
  major?: number;
  minor?: number;
}

type Setter = (values: PaxValues, value: Buffer) => void;

const SETTERS: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['path', (values, value) => (values.path = checkName(value, 'path'))],
  ['linkpath', (values, value) => (values.linkPath = checkName(value, 'linkpath'))],
  ['size', (values, value) => (values.sizeBytes = parseCount(value, 'size'))],
  ['uid', (values, value) => (values.uid = parseCount(value, 'uid'))],
  ['gid', (values, value) => (values.gid = parseCount(value, 'gid'))],
  ['mtime', (values, value) => (values.mtime = parsePaxTime(value.toString('latin1')))],
  ['atime', (values, value) => (values.atime = parsePaxTime(value.toString('latin1')))],
  ['GNU.sparse.name', (values, value) => (sparseOf(values).name = checkName(value, 'GNU.sparse.name'))],
  ['GNU.sparse.size', (values, value) => (sparseOf(values).sizeBytes = parseCount(value, 'GNU.sparse.size'))],
  ['GNU.sparse.realsize', (values, value) => (sparseOf(values).sizeBytes = parseCount(value, 'GNU.sparse.realsize'))],
  ['GNU.sparse.major', (values, value) => (sparseOf(values).major = parseCount(value, 'GNU.sparse.major'))],
  ['GNU.sparse.minor', (values, value) => (sparseOf(values).minor = parseCount(value, 'GNU.sparse.minor'))],
  ['GNU.sparse.offset', (values, value) => (sparseOf(values).openOffset = parseCount(value, 'GNU.sparse.offset'))],
  ['GNU.sparse.numbytes', addSegment],
  ['GNU.sparse.map', setMap],
]);

/** Values for the next entry: those of the global headers, to be overruled by its own. */
export function startFrom(global: PaxValues): PaxValues {
  return { ...global, ...(global.xattrs ? { xattrs: new Map(global.xattrs) } : {}) };
}

/** Bytes of all names and values of extended attributes; the other values of `values` are a few. */
export function xattrBytes({ xattrs }: PaxValues): number {
  let bytes = 0;
  for (const [name, value] of xattrs ?? []) bytes += name.length + value.length;
  return bytes;
}

/** Keys that stand for one entry only and mean nothing in a global header. */
const LOCAL_ONLY = /^(path|linkpath|size|GNU\.sparse\..*)$/;

/**
 * Adds the records of one extended header's data to `values`. An empty value takes back what a global header said.
 *
 * @param scope `global` leaves out what can only belong to one entry.
 * @throws invalid-argument: not a list of `<length> <key>=<value>\n`, or a value of the wrong form.
 */
export function readPaxRecords(data: Buffer, values: PaxValues, scope: 'local' | 'global'): void {
  for (let at = 0; at < data.length;) {
    const { key, value, next } = readRecord(data, at);
    at = next;
    if (scope === 'global' && LOCAL_ONLY.test(key)) continue;
    if (key.startsWith(XATTR)) setXattr(values, key.slice(XATTR.length), value);
    else if (value.length > 0) SETTERS.get(key)?.(values, value);
    else takeBack(values, key);
  }
}

function readRecord(data: Buffer, at: number): { key: string; value: Buffer; next: number } {
  let length = 0;
  let cursor = at;
  for (; cursor < data.length && cursor < at + 10; cursor += 1) {
    const digit = (data[cursor] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  const next = at + length;
  const equals = data.indexOf(EQUALS, cursor);
  const inRecord = cursor > at && data[cursor] === 0x20 && next <= data.length && data[next - 1] === NEWLINE;
  if (!inRecord || equals <= cursor + 1 || equals >= next) {
    throw new DaemonError(
      'invalid-argument',
      'tar: an extended (PAX) header is not a list of "length key=value" records',
    );
  }
  return { key: data.toString('latin1', cursor + 1, equals), value: data.subarray(equals + 1, next - 1), next };
}

function takeBack(values: PaxValues, key: string): void {
  const fields: Readonly<Record<string, keyof PaxValues>> = {
    path: 'path',
    linkpath: 'linkPath',
    size: 'sizeBytes',
    uid: 'uid',
    gid: 'gid',
    mtime: 'mtime',
    atime: 'atime',
  };
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (field !== undefined) Reflect.deleteProperty(values, field);
}

function setXattr(values: PaxValues, name: string, value: Buffer): void {
  if (
    name.length === 0 ||
    name.length > XATTR_NAME_BYTES_MAX ||
    name.includes('\0') ||
    value.length > XATTR_BYTES_MAX
  ) {
    throw new DaemonError(
      'invalid-argument',
      `tar: extended attribute ${JSON.stringify(name.slice(0, 80))} of ${value.length} bytes is outside of what Linux allows`,
    );
  }
  (values.xattrs ??= new Map<string, Buffer>()).set(name, Buffer.from(value));
}

function checkName(value: Buffer, key: string): Buffer {
  if (value.includes(0)) throw new DaemonError('invalid-argument', `tar: PAX ${key} holds a NUL byte`);
  return Buffer.from(value);
}

function parseCount(value: Buffer, key: string): number {
  const count = parseDecimal(value.toString('latin1'), `PAX ${key}`);
  if (count < 0) throw new DaemonError('invalid-argument', `tar: PAX ${key} is negative`);
  return count;
}

/**
 * Seconds with an optional fraction, as PAX times are written; digits beyond the nanosecond are cut off.
 *
 * @throws invalid-argument: another form, or outside of ±(2^53-1) seconds.
 */
export function parsePaxTime(text: string): FileTime {
  const match = /^(-?)(\d{1,16})(?:\.(\d{0,64}))?$/.exec(text);
  if (!match)
    throw new DaemonError('invalid-argument', `tar: PAX time ${JSON.stringify(text.slice(0, 40))} is no number`);
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = parseDecimal(whole, 'PAX time');
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

function sparseOf(values: PaxValues): PaxSparse {
  return (values.sparse ??= { segments: [] });
}

function addSegment(values: PaxValues, value: Buffer): void {
  const sparse = sparseOf(values);
  if (sparse.openOffset === undefined) {
    throw new DaemonError('invalid-argument', 'tar: PAX GNU.sparse.numbytes comes without GNU.sparse.offset');
  }
  sparse.segments.push({ offset: sparse.openOffset, length: parseCount(value, 'GNU.sparse.numbytes') });
  delete sparse.openOffset;
}

function setMap(values: PaxValues, value: Buffer): void {
  const numbers = value.toString('latin1').split(',');
  if (numbers.length % 2 !== 0) throw new DaemonError('invalid-argument', 'tar: PAX GNU.sparse.map has an odd count');
  sparseOf(values).segments = pairUp(numbers.map((text) => parseDecimal(text, 'PAX GNU.sparse.map')));
}

/** Offset, length, offset, length … as segments. */
export function pairUp(numbers: readonly number[]): SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    segments.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return segments;
}
