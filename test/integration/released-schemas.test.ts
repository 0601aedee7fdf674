import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SILENT } from '../../src/base/logger.js';
import { openDatabase } from '../../src/drivers/metadata-sqlite/open-database.js';
import { SCHEMA } from '../../src/drivers/metadata-sqlite/schema.js';
import { checkStores } from '../support/released-stores.js';
import { openLocalStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

async function unpack(version: number, path: string): Promise<void> {
  const packed = await readFile(new URL(`../fixtures/schema-${version}.db.gz`, import.meta.url));
  await writeFile(path, gunzipSync(packed));
}

async function tablesOf(path: string): Promise<unknown[]> {
  using db = await openDatabase(path, SILENT);
  return db.sql(`SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name`).all();
}

for (const [index, { release }] of SCHEMA.entries()) {
  const version = index + 1;
  test(`the database of schema ${version}, new in ${release}, is opened with all that is in it`, async (t) => {
    await using root = await tempDir(t);
    const path = join(root.path, 'meta.db');
    await unpack(version, path);
    await using stores = await openLocalStores(root.path, { collectDelayMs: 3_600_000 });
    await checkStores(stores);
  });
}

test('what was released is never changed: the steps lead to the tables that the kept database has', async (t) => {
  await using root = await tempDir(t);
  await unpack(SCHEMA.length, join(root.path, 'released.db'));
  const now = await tablesOf(join(root.path, 'fresh.db'));
  const advice = 'add a step to SCHEMA; before its release, run scripts/schema-fixture.ts';
  assert.deepEqual(await tablesOf(join(root.path, 'released.db')), now, advice);
});
