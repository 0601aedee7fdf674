/** Writes the database of the present schema to test/fixtures, as it is kept of every release: run it once before a release with a new step. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SILENT } from '../src/base/logger.js';
import { openDatabase } from '../src/drivers/metadata-sqlite/open-database.js';
import { SCHEMA } from '../src/drivers/metadata-sqlite/schema.js';
import { fillStores } from '../test/support/released-stores.js';
import { openLocalStores } from '../test/support/stores.js';

const root = await mkdtemp(join(tmpdir(), 'wharfd-schema-'));
try {
  {
    await using stores = await openLocalStores(root, { collectDelayMs: 3_600_000 });
    await fillStores(stores);
  }
  const copy = join(root, 'copy.db');
  {
    using db = await openDatabase(join(root, 'meta.db'), SILENT);
    db.sql('VACUUM INTO ?').run(copy);
  }
  const target = new URL(`../test/fixtures/schema-${SCHEMA.length}.db.gz`, import.meta.url);
  await writeFile(target, gzipSync(await readFile(copy), { level: 9 }));
  console.log(target.pathname);
} finally {
  await rm(root, { recursive: true });
}
