import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { compatibilityPage } from './compatibility-table.js';

test('docs/compatibility.md is what the tests of the clients have recorded', async () => {
  const page = await readFile(join(PACKAGE_ROOT, 'docs/compatibility.md'), 'utf8');
  assert.equal(page, await compatibilityPage(), 'run scripts/compatibility.ts');
});
