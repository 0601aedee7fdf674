import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { Database, keeping } from './database.js';
import { DaemonError } from '../../base/errors.js';

test('what was deferred is owed until the next flush, and kept whatever its outcome', async (t) => {
  const { path } = await tempDir(t);
  using db = new Database(join(path, 'meta.db'));
  db.script('CREATE TABLE things (name TEXT)');
  const insert = (name: string) => db.sql('INSERT INTO things VALUES (?)').run(name);
  assert.equal(db.owesFlush, false);
  assert.equal(
    db.defer(() => insert('a').changes),
    1,
  );
  assert.equal(db.owesFlush, true);
  db.change(() => insert('b'), false);
  assert.equal(db.owesFlush, true);
  db.change(() => insert('c'));
  assert.equal(db.owesFlush, false);
  const refusal = new DaemonError('already-exists', 'd: already exists');
  assert.throws(
    () =>
      db.defer(() => {
        insert('d');
        throw keeping(refusal);
      }),
    refusal,
  );
  assert.equal(db.owesFlush, true);
  // What is written last is flushed, and SQLite flushes nothing when nothing is written.
  const logBytes = () => statSync(`${db.path}-wal`).size;
  const before = logBytes();
  db.change(() => undefined, false);
  assert.equal(logBytes(), before);
  db.change(() => undefined);
  assert.ok(logBytes() > before);
  assert.equal(db.owesFlush, false);
  const after = logBytes();
  db.change(() => undefined);
  assert.equal(logBytes(), after);
  assert.deepEqual(db.sql('SELECT count(*) AS count FROM things').get(), { count: 4 });
  assert.equal(db.pragma('synchronous'), 2);
  db.defer(() => insert('e'));
  db.relieve(() => undefined);
  assert.equal(db.owesFlush, false);
  assert.equal(db.pragma('synchronous'), 2);
});
