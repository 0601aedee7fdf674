import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../../test/support/package-root.js';
import { createMemory } from './memory.js';
import { createPrograms } from './programs.js';

async function residentKiB(what: 'RssAnon' | 'RssFile'): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
}

test('garbage, free memory and pages of program files are given back, and all goes on', async () => {
  const garbage = new Set(Array.from({ length: 1 << 19 }, (_, at) => ({ at })));
  const before = { anon: await residentKiB('RssAnon'), file: await residentKiB('RssFile') };
  garbage.clear();
  createMemory().releaseUnused();
  const after = { anon: await residentKiB('RssAnon'), file: await residentKiB('RssFile') };
  assert.ok(after.anon < before.anon - 8 * 1024, `${before.anon} KiB, ${after.anon} KiB`);
  assert.ok(after.file < before.file / 2, `${before.file} KiB, ${after.file} KiB`);
});

test('code that is in memory of its own stays there', async () => {
  const script = `
    const { collectAll, trimAllocator, unmapCode } = require(${JSON.stringify(join(PACKAGE_ROOT, 'build/native/wharfd.node'))});
    for (const each of [collectAll, trimAllocator, unmapCode]) if (each() !== 0) throw new Error(each.name);
    console.log(require('node:crypto').createHash('sha256').update('').digest('hex').slice(0, 8));`;
  const args = ['--use-largepages=on', '-e', script];
  const { code, stdout, stderr } = await createPrograms().run(process.execPath, args);
  assert.equal(code, 0, stderr.toString());
  assert.equal(stdout.toString(), 'e3b0c442\n');
});
