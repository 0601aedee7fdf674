import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSmallDisk } from '../../../test/support/small-disk.js';
import { SILENT } from '../../base/logger.js';
import { CriLog } from './cri-log.js';
import { LogRecordReader } from './log-records.js';

const linesTo = (last: number) => Array.from({ length: last }, (_, at) => `line ${at + 1}\n`).join('');

test('a disk that gets full in the middle of a record leaves none torn, and what was lost is told when there is room', async () => {
  await using disk = await openSmallDisk(16 << 20, ['-b', '4096']);
  const path = join(disk.path, 'output.log');
  using log = new CriLog(path, { maxBytes: 10_000_000, maxFiles: 2 }, SILENT);
  const parts = [linesTo(500), linesTo(2000), linesTo(300)] as const;
  log.write('stdout', Buffer.from(parts[0]));
  await disk.fill();
  for (const line of parts[1].split(/(?<=\n)/)) log.write('stdout', Buffer.from(line));
  await disk.drain();
  log.write('stdout', Buffer.from(parts[2]));
  const bytes = await readFile(path);
  const records = new LogRecordReader(0).push(bytes);
  assert.equal(bytes.toString().split('\n').length - 1, records.length, 'every line is a record');
  const kept = Buffer.concat(records.map((record) => ('bytes' in record ? record.bytes : Buffer.alloc(0)))).toString();
  const missing = records.reduce((sum, record) => sum + ('bytes' in record ? 0 : record.missingBytes), 0);
  assert.ok(kept.startsWith(parts[0]) && kept.endsWith(parts[2]));
  assert.ok(missing > 0);
  assert.equal(kept.length + missing, parts.join('').length);
});
