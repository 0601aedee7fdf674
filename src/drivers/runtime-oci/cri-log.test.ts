import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSmallDisk } from '../../../test/support/small-disk.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SILENT } from '../../base/logger.js';
import { CriLog } from './cri-log.js';
import { LogRecordReader } from './log-records.js';

const linesTo = (last: number) => Array.from({ length: last }, (_, at) => `line ${at + 1}\n`).join('');

/** What the log says was written and what not; every line of it is a record. */
async function told(path: string): Promise<{ readonly kept: string; readonly missing: number }> {
  const bytes = await readFile(path);
  const records = new LogRecordReader(0).push(bytes);
  assert.equal(bytes.toString().split('\n').length - 1, records.length, 'every line is a record');
  return {
    kept: Buffer.concat(records.map((record) => ('bytes' in record ? record.bytes : Buffer.alloc(0)))).toString(),
    missing: records.reduce((sum, record) => sum + ('bytes' in record ? 0 : record.missingBytes), 0),
  };
}

test('a record that was cut by a death is dropped when the log goes on', async (t) => {
  const { path } = await tempDir(t);
  const file = join(path, 'output.log');
  const whole = '2026-01-01T00:00:00.000000000Z stdout F whole\n';
  await writeFile(file, `${whole}2026-01-01T00:00:00.000000000Z stdout F cu`);
  using log = new CriLog(file, { maxBytes: 1 << 20, maxFiles: 1 }, SILENT);
  assert.equal(log.position, 'whole\n'.length);
  log.write('stdout', Buffer.from('next\n'));
  assert.match((await readFile(file, 'utf8')).slice(whole.length), /^\S+ stdout F next\n$/);
});

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
  const { kept, missing } = await told(path);
  assert.ok(kept.startsWith(parts[0]) && kept.endsWith(parts[2]));
  assert.ok(missing > 0);
  assert.equal(kept.length + missing, parts.join('').length);
});

for (const lines of [1, 7, 1000]) {
  test(`a disk that stays full to the end, ${lines} lines in one piece: the last records give way to the mark`, async () => {
    await using disk = await openSmallDisk(16 << 20, ['-b', '4096']);
    const path = join(disk.path, 'output.log');
    const log = new CriLog(path, { maxBytes: 10_000_000, maxFiles: 2 }, SILENT);
    const output = linesTo(5000);
    log.write('stdout', Buffer.from(output.slice(0, 3000)));
    await disk.fill();
    const pieces = output.slice(3000).match(new RegExp(`(?:[^\\n]*\\n){1,${lines}}`, 'g')) ?? [];
    for (const piece of pieces) log.write('stdout', Buffer.from(piece));
    log.end();
    const { kept, missing } = await told(path);
    assert.ok(output.startsWith(kept) && kept.length > 2000);
    assert.equal(kept.length + missing, output.length);
  });
}

test('a log that ends on a full disk after it had room in between tells of both losses', async () => {
  await using disk = await openSmallDisk(16 << 20, ['-b', '4096']);
  const path = join(disk.path, 'output.log');
  const log = new CriLog(path, { maxBytes: 10_000_000, maxFiles: 2 }, SILENT);
  const part = linesTo(1000);
  const lineByLine = (text: string) => {
    for (const line of text.split(/(?<=\n)/)) log.write('stderr', Buffer.from(line));
  };
  lineByLine(part);
  await disk.fill();
  lineByLine(part);
  await disk.drain();
  log.write('stderr', Buffer.from('x\n'));
  await disk.fill();
  lineByLine(part);
  log.end();
  const { kept, missing } = await told(path);
  assert.equal(kept.length + missing, 3 * part.length + 2);
});

test('a disk that gets full where a new file begins: the mark is in the file before it', async () => {
  await using disk = await openSmallDisk(16 << 20, ['-b', '4096']);
  const path = join(disk.path, 'output.log');
  const log = new CriLog(path, { maxBytes: 8192, maxFiles: 5 }, SILENT);
  const line = 'x'.repeat(100);
  let written = 0;
  const write = () => {
    log.write('stdout', Buffer.from(`${line}\n`));
    written += line.length + 1;
  };
  // Both blocks of the first file are there, and a record more would not fit into it.
  for (let at = 0; at < 56; at += 1) write();
  await disk.fill();
  for (let at = 0; at < 200; at += 1) write();
  log.end();
  assert.equal((await stat(path)).size, 0);
  const { kept, missing } = await told(`${path}.1`);
  assert.equal(kept.length + missing, written);
  assert.ok(kept.length > 4000);
});
