import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { Program } from '../../src/cli/shared/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { layerOf, makeImage, makeLayer, type Image } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { openSmallDisk } from '../support/small-disk.js';

const DISK_BYTES = 64 << 20;

async function succeed(daemon: TestDaemon, program: Program, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const imageOf = async (bytes: number): Promise<Image> =>
  makeImage({ layers: [await makeLayer([{ path: 'file', data: randomBytes(bytes) }])] });

/** The database is whole, and each of the layers' directories has its row. */
async function assertSound(root: string): Promise<void> {
  const db = new Sqlite(join(root, 'meta.db'), { readonly: true });
  try {
    assert.deepEqual(db.pragma('integrity_check', { simple: true }), 'ok');
    assert.deepEqual(db.pragma('foreign_key_check'), []);
    const rows = db.prepare<[], { id: number }>('SELECT id FROM layers').all();
    const directories = await readdir(join(root, 'overlayfs/snapshots'));
    assert.deepEqual(directories.sort(), rows.map(({ id }) => String(id)).sort());
  } finally {
    db.close();
  }
}

test('a pull that can not fit fails at once, names the file system and the missing bytes, and leaves nothing', async () => {
  await using registry = await openRegistry();
  const big = makeImage({ layers: [layerOf(randomBytes(100_000_000), 'none')] });
  const reference = await registry.push(big, 'big');
  await using disk = await openSmallDisk(DISK_BYTES);
  await using daemon = await openDaemon({ config: { root: disk.path } });
  const { code, stderr } = await runCommand(dist, daemon, ['pull', '--plain-http', reference]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`no space left on device: 100\\.0 MB .* the file system ${disk.path} .* bytes\\) are missing`),
  );
  await succeed(daemon, dist, 'gc');
  assert.deepEqual(await readdir(join(disk.path, 'content/blobs/sha256')), []);
  assert.deepEqual(await readdir(join(disk.path, 'content/ingest')), []);
  const blobs = registry.answered.filter(({ method, uri }) => method === 'GET' && uri.includes('/blobs/'));
  assert.deepEqual(blobs, [], 'not a byte of a layer was asked for');
});

test('on a full disk everything is refused clearly and undone, what gives room still works, and the database stays whole', async () => {
  await using registry = await openRegistry();
  const busybox = await registry.push(await makeBusyboxImage(), 'busybox');
  const [kept, other] = [
    await registry.push(await imageOf(4 << 20), 'kept'),
    await registry.push(await imageOf(1 << 20), 'other'),
  ];
  await using disk = await openSmallDisk(DISK_BYTES);
  await using daemon = await openDaemon({ config: { root: disk.path } });
  for (const reference of [busybox, kept]) await succeed(daemon, dist, 'pull', '--plain-http', reference);
  await succeed(daemon, ctr, 'run', '-d', '--id', 'before', busybox, 'sleep', '1000');
  await disk.fill();

  const refused = (told: Told): void => {
    assert.notEqual(told.code, 0);
    assert.match(told.stderr, /no space left|is full/);
  };
  refused(await runCommand(dist, daemon, ['pull', '--plain-http', other]));
  refused(await runCommand(dist, daemon, ['ingest', 'bytes'], { stdin: randomBytes(1 << 20) }));
  refused(await runCommand(ctr, daemon, ['run', '-d', '--id', 'after', busybox, 'sleep', '1000']));
  refused(await labelledUntilFull(daemon));
  await succeed(daemon, ctr, 'ls');
  assert.match(await succeed(daemon, dist, 'images'), /kept/);

  await succeed(daemon, ctr, 'kill', '-s', 'KILL', 'before');
  await succeed(daemon, dist, 'rmi', kept);
  await succeed(daemon, dist, 'gc');
  assert.ok((await disk.freeBytes()) > 4 << 20, 'removing an image gives room on a full disk');
  await daemon.kill();
  await daemon.start();
  await succeed(daemon, dist, 'gc');
  await assertSound(disk.path);
  await disk.drain();
  await succeed(daemon, dist, 'pull', '--plain-http', other);
  await succeed(daemon, ctr, 'run', '-d', '--id', 'after', busybox, 'sleep', '1000');
  assert.equal(await daemon.stop(), 0);
  await assertSound(disk.path);
});

/** Changes that only the database sees, until it has no room. */
async function labelledUntilFull(daemon: TestDaemon): Promise<Told> {
  for (let at = 0; ; at += 1) {
    const told = await runCommand(dist, daemon, ['ingest', `small-${at}`], { stdin: `small ${at}` });
    if (told.code !== 0) return told;
  }
}
