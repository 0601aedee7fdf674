import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { defaultConfigText, loadConfig } from '../../src/daemon/config.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { tempDir } from '../support/temp-dir.js';

const SAMPLE = join(PACKAGE_ROOT, 'etc/config.toml');

test('config sample: it says what holds without it, and names every key', async (t) => {
  const dir = await tempDir(t);
  const empty = join(dir.path, 'empty.toml');
  await writeFile(empty, '');
  assert.deepEqual(loadConfig(SAMPLE), loadConfig(empty));
  const keys = (text: string): string[] => [...text.matchAll(/^(?:# )?([a-z_]+) = /gm)].map(([, key = '']) => key);
  const named = keys(await readFile(SAMPLE, 'utf8'));
  const missing = keys(defaultConfigText()).filter((key) => !named.includes(key));
  assert.deepEqual(missing, []);
});
