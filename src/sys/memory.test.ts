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

test('memory is shared with a child, and given back when it is disposed', async () => {
  const shared = createMemory().share(3 * 4096);
  assert.deepEqual(shared.bytes, Buffer.alloc(3 * 4096));
  shared.bytes.write('from here', 4096);
  const script = 'printf "from there" >&3; dd bs=1 skip=4096 count=9 status=none if=/proc/self/fd/3';
  const { stdout } = await createPrograms().run('/bin/sh', ['-c', script], { extraFds: [shared.fd] });
  assert.equal(stdout.toString(), 'from here');
  assert.equal(shared.bytes.toString('latin1', 0, 10), 'from there');
  const shorten = await createPrograms().run('/usr/bin/truncate', ['-s', '1', '/proc/self/fd/3'], {
    extraFds: [shared.fd],
  });
  assert.match(shorten.stderr.toString(), /not permitted/); // a page that is gone would be SIGBUS
  const isMapped = async () => (await readFile('/proc/self/maps', 'utf8')).includes('memfd:wharfd');
  assert.ok(await isMapped());
  shared[Symbol.dispose]();
  assert.equal(shared.bytes.length, 0);
  await new Promise(setImmediate);
  assert.ok(!(await isMapped()));
});
