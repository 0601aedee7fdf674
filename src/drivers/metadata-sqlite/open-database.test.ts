import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind, assertThrowsWithKind } from '../../../test/support/assert-kind.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DaemonError } from '../../base/errors.js';
import { SILENT } from '../../base/logger.js';
import { keeping } from './database.js';
import { checkLayout } from './layout.js';
import { openDatabase } from './open-database.js';
import { SCHEMA } from './schema.js';

const LATER = [...SCHEMA, { release: '9.8.0', sql: 'CREATE TABLE later (x INTEGER) STRICT;' }];

test('a database is private, durable and knows its references', async (t) => {
  await using root = await tempDir(t);
  using db = await openDatabase(join(root.path, 'meta.db'), SILENT);
  assert.equal(db.pragma('journal_mode'), 'wal');
  assert.equal(db.pragma('synchronous'), 2);
  assert.equal(db.pragma('foreign_keys'), 1);
  assert.equal((await stat(db.path)).mode & 0o777, 0o600);
});

test('an older schema is brought up to date, with a copy of what was', async (t) => {
  await using root = await tempDir(t);
  const path = join(root.path, 'meta.db');
  {
    using db = await openDatabase(path, SILENT);
    db.change(() => db.sql(`INSERT INTO namespaces (name, labels) VALUES ('kept', '{}')`).run());
  }
  {
    using db = await openDatabase(path, SILENT, LATER);
    assert.equal(db.pragma('user_version'), SCHEMA.length + 1);
    assert.deepEqual(db.sql('SELECT name FROM namespaces').all(), [{ name: 'kept' }]);
    assert.deepEqual(db.sql('SELECT x FROM later').all(), []);
  }
  using copy = await openDatabase(`${path}.schema-${SCHEMA.length}`, SILENT);
  assert.deepEqual(copy.sql('SELECT name FROM namespaces').all(), [{ name: 'kept' }]);
});

test('a step that goes wrong changes nothing', async (t) => {
  await using root = await tempDir(t);
  const path = join(root.path, 'meta.db');
  (await openDatabase(path, SILENT))[Symbol.dispose]();
  const broken = [...LATER, { release: '9.9.0', sql: 'CREATE TABLE later (y INTEGER);' }];
  await assertRejectsWithKind(openDatabase(path, SILENT, broken), 'internal', /table later already exists/);
  using db = await openDatabase(path, SILENT);
  assert.equal(db.pragma('user_version'), SCHEMA.length);
});

test('a newer schema is refused by the name of the release that is needed', async (t) => {
  await using root = await tempDir(t);
  const path = join(root.path, 'meta.db');
  (await openDatabase(path, SILENT, LATER))[Symbol.dispose]();
  await assertRejectsWithKind(
    openDatabase(path, SILENT),
    'failed-precondition',
    /written by wharfd 9\.8\.0 \(schema 4/,
  );
});

test('what is no database is refused and left alone', async (t) => {
  await using root = await tempDir(t);
  const path = join(root.path, 'meta.db');
  await writeFile(path, 'something else entirely, and long enough to be looked at as a header of a database');
  await assertRejectsWithKind(openDatabase(path, SILENT), 'data-loss', /meta\.db is broken \(file is not a database\)/);
});

test('a layout is marked once, and a newer one refused', async (t) => {
  await using root = await tempDir(t);
  await checkLayout(root.path);
  await checkLayout(root.path);
  assert.deepEqual(await readdir(root.path), ['layout.json']);
  await writeFile(join(root.path, 'layout.json'), '{"version":7,"release":"3.0.0"}');
  await assertRejectsWithKind(checkLayout(root.path), 'failed-precondition', /wharfd 3\.0\.0 or later \(layout 7/);
  await writeFile(join(root.path, 'layout.json'), 'nonsense');
  await assertRejectsWithKind(checkLayout(root.path), 'data-loss');
});

test('a refusal may keep what was done before it, anything else is undone', async (t) => {
  await using root = await tempDir(t);
  using db = await openDatabase(join(root.path, 'meta.db'), SILENT);
  const add = (name: string) => db.sql(`INSERT INTO namespaces (name, labels) VALUES (?, '{}')`).run(name);
  const refusal = new DaemonError('already-exists', 'there');
  assertThrowsWithKind(
    () =>
      db.change(() => {
        add('kept');
        throw keeping(refusal);
      }),
    'already-exists',
  );
  assertThrowsWithKind(
    () =>
      db.change(() => {
        add('undone');
        throw refusal;
      }),
    'already-exists',
  );
  assert.deepEqual(db.sql('SELECT name FROM namespaces').all(), [{ name: 'kept' }]);
});

test('a view stays as it is while others write', async (t) => {
  await using root = await tempDir(t);
  using db = await openDatabase(join(root.path, 'meta.db'), SILENT);
  using view = db.view();
  db.change(() => db.sql(`INSERT INTO namespaces (name, labels) VALUES ('new', '{}')`).run());
  assert.deepEqual(view.sql('SELECT name FROM namespaces').all(), []);
});
