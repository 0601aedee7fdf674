import type { EntryRecord, PlainEntries, PlainLimits } from '../core/kernel/file-queue.js';
import { addon, type Queue } from './addon.js';
import { check, syscallError } from './outcome.js';

const RECORDS_BYTES = 64 * 1024;
/** Of names (native/addon/plain-header.h): no longer path is ever looked for. */
const PATH_BYTES_MAX = 4096;
/** Filled and read before anything else is called. */
const RECORDS = Buffer.allocUnsafeSlow(RECORDS_BYTES);
const NUMBERS = new Float64Array(6);

/** What the addon takes of an archive. @returns Undefined: without the library for checksums it takes nothing. */
export function openPlainEntries(
  queue: Queue,
  { maxPathBytes, maxPathDepth, maxPaxBytes }: PlainLimits,
): PlainEntries | undefined {
  const native = addon();
  const entries = native.openEntries(queue, maxPathBytes, maxPathDepth, maxPaxBytes);
  if (typeof entries === 'number') return undefined;
  return {
    know(path) {
      if (path.length <= PATH_BYTES_MAX) check('note directory', path, native.knowDirectory(entries, path));
    },
    enter(path, fd) {
      if (path.length <= PATH_BYTES_MAX) check('note directory', path, native.enterDirectory(entries, path, fd));
    },
    leave(fd) {
      check('leave directory', fd, native.leaveDirectory(entries, fd));
    },
    take(piece, at, left) {
      const outcome = native.takeEntries(entries, piece, at, left, RECORDS, NUMBERS);
      const [next = 0, midway = 0, taken = 0, inodes = 0, bytes = 0, length = 0] = NUMBERS;
      const { records, failed: entry } = readRecords(RECORDS.toString('latin1', 0, length));
      const failed =
        outcome < 0 ? { entry, error: syscallError('create', entry ?? 'a file of the layer', outcome) } : undefined;
      return { next, midway: midway > 0, entries: taken, inodes, bytes, records, failed };
    },
    [Symbol.dispose]() {
      native.closeEntries(entries);
    },
  };
}

/** Fields as native/addon/core.h tells. */
function readRecords(text: string): { readonly records: EntryRecord[]; readonly failed: Buffer | undefined } {
  const records: EntryRecord[] = [];
  if (text === '') return { records, failed: undefined };
  let failed: Buffer | undefined;
  const fields = text.split('\0');
  for (let at = 0; at < fields.length - 1; at += 1) {
    const field = fields[at] ?? '';
    const name = field.slice(1);
    if (field.startsWith('P')) records.push({ kind: 'place', path: name });
    else if (field.startsWith('X')) failed = Buffer.from(name, 'latin1');
    else {
      at += 1;
      const rest = fields[at] ?? '';
      records.push(
        field.startsWith('F')
          ? { kind: 'file', name, rest }
          : { kind: 'directory', name, directory: readDirectory(rest) },
      );
    }
  }
  return { records, failed };
}

function readDirectory(text: string) {
  const [fd = -1, uid = 0, gid = 0, mode = 0, seconds = 0, nanoseconds = 0, xattrs = 0] = text.split(' ').map(Number);
  return { fd, uid, gid, mode, mtime: { seconds, nanoseconds }, hasXattrs: xattrs > 0 };
}
