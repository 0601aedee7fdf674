import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isErrno } from '../base/errors.js';
import { OPEN, RESOLVE } from '../core/kernel/open-flags.js';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createDirectoryFiles } from './directory-files.js';

const files = createDirectoryFiles();
const NOW = { seconds: 1_700_000_000, nanoseconds: 999_999_999 };
const EMPTY = new Uint8Array();
const PLAIN = { mode: 0o644, uid: 0, gid: 0, mtime: NOW, content: EMPTY };

async function openTemp(t: TestContext): Promise<{ readonly dir: number; readonly path: string }> {
  const { path } = await tempDir(t);
  const dir = files.openDirectory(path);
  t.after(() => {
    files.close(dir);
  });
  return { dir, path };
}

describe('files relative to a directory', () => {
  test('names are bytes: two that differ only in what is no UTF-8 stay two', async (t) => {
    const { dir } = await openTemp(t);
    const names = [Buffer.from([0x61, 0x80]), Buffer.from([0x61, 0xff]), Buffer.from('a\u{fffd}')];
    for (const name of names) files.createFile(dir, name, { ...PLAIN, content: name });
    const found = files.list(dir).map(({ name }) => name.toString('hex'));
    assert.deepEqual(found.sort(), names.map((name) => name.toString('hex')).sort());
    files.makeSymlink(Buffer.from([0xfe, 0x2f]), dir, 'link');
    assert.deepEqual(files.readLink(dir, 'link'), Buffer.from([0xfe, 0x2f]));
  });

  test('a file is made with owner, exact mode and nanoseconds in one call', async (t) => {
    const { dir, path } = await openTemp(t);
    const content = Buffer.from('#!/bin/sh\n');
    files.createFile(dir, 'su', { mode: 0o6777, uid: 4_000_000_000, gid: 12, mtime: NOW, content });
    const { mode, uid, gid, mtime, size, ino } = files.stat(dir, 'su');
    assert.deepEqual(
      { mode, uid, gid, mtime, size },
      { mode: 0o106777, uid: 4_000_000_000, gid: 12, mtime: NOW, size: content.length },
    );
    assert.equal(ino, statSync(join(path, 'su'), { bigint: true }).ino);
    assert.deepEqual(readFileSync(join(path, 'su')), content);
  });

  test('a new file has its own mode, owner and group, whatever its directory and the umask would give it', async (t) => {
    const { dir } = await openTemp(t);
    files.makeDirectory(dir, 'of-a-group', 0o2775);
    files.setMetadata(dir, 'of-a-group', { uid: 0, gid: 50, mode: 0o2775 });
    const inner = files.open(dir, 'of-a-group', OPEN.read | OPEN.directory, 0);
    t.after(() => {
      files.close(inner);
    });
    const before = process.umask(0o077);
    t.after(() => process.umask(before));
    for (const parent of [dir, inner]) {
      for (const mode of [0, 0o644, 0o4755, 0o2644, 0o777]) {
        const name = mode.toString(8);
        for (const gid of [0, 50]) {
          files.createFile(parent, `${name}-${gid}`, { ...PLAIN, mode, uid: 0, gid });
          const found = files.stat(parent, `${name}-${gid}`);
          assert.deepEqual([found.mode & 0o7777, found.uid, found.gid], [mode, 0, gid], `${name} of group ${gid}`);
        }
      }
    }
  });

  test('an owner that the kernel would take for "leave it" is refused, and nothing is left', async (t) => {
    const { dir } = await openTemp(t);
    for (const uid of [2 ** 32 - 1, 2 ** 32, -2]) {
      assertThrowsWithKind(() => files.createFile(dir, 'file', { ...PLAIN, uid }), 'invalid-argument');
    }
    assert.deepEqual(files.list(dir), []);
  });

  test('times before 1970 and after 2038 are kept', async (t) => {
    const { dir } = await openTemp(t);
    for (const seconds of [-1, 2 ** 32]) {
      files.createFile(dir, String(seconds), { ...PLAIN, mtime: { seconds, nanoseconds: 1 } });
      assert.deepEqual(files.stat(dir, String(seconds)).mtime, { seconds, nanoseconds: 1 });
    }
  });

  test('metadata of a link is its own; what is absent stays', async (t) => {
    const { dir } = await openTemp(t);
    files.makeDirectory(dir, 'target', 0o1777);
    files.makeSymlink('target', dir, 'link');
    files.setMetadata(dir, 'link', { uid: 5, gid: 6, mode: 0o600, mtime: NOW });
    const link = files.stat(dir, 'link');
    assert.deepEqual([link.uid, link.gid, link.mtime], [5, 6, NOW]);
    assert.equal(files.stat(dir, 'target').mode & 0o7777, 0o1777);
    files.setMetadata(dir, 'target', { gid: 7 });
    const target = files.stat(dir, 'target');
    assert.deepEqual([target.uid, target.gid, target.mode & 0o7777], [0, 7, 0o1777]);
  });

  test('devices are whole numbers of the kernel or refused', async (t) => {
    const { dir } = await openTemp(t);
    files.makeWhiteout(dir, 'gone');
    files.makeNode(dir, 'disk', 'block', 0o660, { major: 4095, minor: 1_048_575 });
    assert.deepEqual(files.stat(dir, 'gone').rdev, { major: 0, minor: 0 });
    assert.deepEqual(files.stat(dir, 'disk').rdev, { major: 4095, minor: 1_048_575 });
    for (const device of [
      { major: 4096, minor: 0 },
      { major: 2 ** 32 + 1, minor: 3 },
      { major: 1, minor: -1 },
    ]) {
      assertThrowsWithKind(() => files.makeNode(dir, 'cut', 'char', 0o600, device), 'out-of-range');
    }
    const types = files.list(dir).map(({ name, type }) => `${name.toString()} ${type}`);
    assert.deepEqual(types.sort(), ['disk block', 'gone char']);
  });

  test('a lookup stays where it is told to stay', async (t) => {
    const { dir } = await openTemp(t);
    files.makeDirectory(dir, 'etc', 0o755);
    files.makeSymlink('/etc', dir, 'abs');
    const inside = files.open(dir, 'abs', OPEN.path | OPEN.directory, RESOLVE.inRoot);
    assert.equal(files.statFd(inside).ino, files.stat(dir, 'etc').ino);
    files.close(inside);
    for (const [resolve, code] of [
      [RESOLVE.beneath, 'EXDEV'],
      [RESOLVE.noSymlinks, 'ELOOP'],
    ] as const) {
      assert.throws(
        () => files.open(dir, 'abs', OPEN.path, resolve),
        (cause) => isErrno(cause, code),
      );
    }
  });

  test('attributes: empty values, links, none', async (t) => {
    const { dir } = await openTemp(t);
    files.makeSymlink('nowhere', dir, 'link');
    files.setXattr(dir, 'link', 'trusted.empty', EMPTY);
    files.setXattr(dir, 'link', 'trusted.bytes', Buffer.from([0, 255]));
    assert.deepEqual(files.listXattrs(dir, 'link').map(String).sort(), ['trusted.bytes', 'trusted.empty']);
    assert.deepEqual(files.getXattr(dir, 'link', 'trusted.empty'), Buffer.alloc(0));
    assert.deepEqual(files.getXattr(dir, 'link', 'trusted.bytes'), Buffer.from([0, 255]));
    assert.equal(files.getXattr(dir, 'link', 'trusted.none'), undefined);
    files.removeXattr(dir, 'link', 'trusted.bytes');
    assertThrowsWithKind(() => files.removeXattr(dir, 'link', 'trusted.bytes'), 'not-found');
  });

  test('holes are made, seen and counted', async (t) => {
    const { dir } = await openTemp(t);
    const fd = files.createForWriting(dir, 'sparse');
    t.after(() => {
      files.close(fd);
    });
    files.write(fd, Buffer.alloc(4096, 1), 8 * 2 ** 30);
    files.truncate(fd, 9 * 2 ** 30);
    assert.equal(files.seekData(fd, 0), 8 * 2 ** 30);
    assert.equal(files.seekHole(fd, 8 * 2 ** 30), 8 * 2 ** 30 + 4096);
    assert.equal(files.seekData(fd, 8 * 2 ** 30 + 4096), undefined);
    const { size, blocks } = files.statFd(fd);
    assert.deepEqual([size, blocks * 512 < 2 ** 20], [9 * 2 ** 30, true]);
  });

  test('errors name the call, the thing and the cause, and have their kind', async (t) => {
    const { dir } = await openTemp(t);
    assert.equal(files.statIfExists(dir, 'none'), undefined);
    assertThrowsWithKind(() => files.stat(dir, 'none'), 'not-found', /^fstatat none: no such file.*\(ENOENT\)$/u);
    assertThrowsWithKind(() => files.stat(dir, 'bell\u{7}'), 'not-found', /bell\\u\{7\}/u);
    assertThrowsWithKind(() => files.stat(dir, 'nul\0'), 'invalid-argument');
    assertThrowsWithKind(() => files.stat(dir, 'n'.repeat(256)), 'invalid-argument', /ENAMETOOLONG/u);
    assertThrowsWithKind(() => files.stat(dir, Buffer.alloc(5000, 1)), 'invalid-argument', /ENAMETOOLONG/u);
    files.makeDirectory(dir, 'there', 0o700);
    assertThrowsWithKind(() => files.makeDirectory(dir, 'there', 0o700), 'already-exists');
    assertThrowsWithKind(() => files.unlink(dir, 'there'), 'failed-precondition', /EISDIR/u);
    assertThrowsWithKind(() => files.rename(dir, 'none', dir, 'there'), 'not-found');
    files.removeTree(dir, 'there');
    files.removeTree(dir, 'there');
  });
});
