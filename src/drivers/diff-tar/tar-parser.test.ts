import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertThrowsWithKind } from '../../../test/support/assert-kind.js';
import { tarOf } from '../../../test/support/image.js';
import { base256, octal, paxEntry, rawEntry, rawTar, type RawEntry } from '../../selftest/raw-tar.js';
import { parsePaxTime } from './pax.js';
import type { TarEntry } from './tar-entry.js';
import { TarParser } from './tar-parser.js';

interface Read extends TarEntry {
  readonly content: Buffer;
}

/** Parses an archive pushed in pieces of these sizes, the last one again and again. */
function parse(archive: Buffer, pieces: readonly number[] = [archive.length], maxExtendedBytes = 1 << 20): Read[] {
  const members: Read[] = [];
  let open: { entry: TarEntry; parts: Buffer[] } | undefined;
  const parser = new TarParser(
    {
      entry(entry, whole) {
        assert.equal(open, undefined, 'an entry begins before the last one ended');
        if (whole === undefined) open = { entry, parts: [] };
        else members.push({ ...entry, content: Buffer.from(whole) });
      },
      data(bytes) {
        open?.parts.push(Buffer.from(bytes));
      },
      end() {
        assert.ok(open);
        members.push({ ...open.entry, content: Buffer.concat(open.parts) });
        open = undefined;
      },
    },
    maxExtendedBytes,
  );
  for (let at = 0, turn = 0; at < archive.length; turn += 1) {
    const size = pieces[Math.min(turn, pieces.length - 1)] ?? 512;
    parser.push(archive.subarray(at, at + size));
    at += size;
  }
  parser.finish();
  return members;
}

function only(archive: Buffer): Read {
  const [member, ...more] = parse(archive);
  assert.ok(member);
  assert.equal(more.length, 0);
  return member;
}

test('members, whatever the pieces they come in', async () => {
  const archive = await tarOf([
    { path: 'dir', type: 'directory', mode: 0o1777 },
    { path: 'dir/file', data: Buffer.alloc(1300, 'x'), uid: 5, gid: 6, mode: 0o4755 },
    { path: 'dir/empty' },
    { path: 'dir/link', type: 'symlink', target: '../elsewhere' },
    { path: 'dir/hard', type: 'link', target: 'dir/file' },
    { path: `${'long/'.repeat(60)}name`, data: 'y', xattrs: { 'user.a': '1' } },
  ]);
  const whole = parse(archive);
  assert.deepEqual(
    whole.map(({ type, name, link }) => [type, name.toString(), link.toString()]),
    [
      ['directory', 'dir/', ''],
      ['file', 'dir/file', ''],
      ['file', 'dir/empty', ''],
      ['symlink', 'dir/link', '../elsewhere'],
      ['hardlink', 'dir/hard', 'dir/file'],
      ['file', `${'long/'.repeat(60)}name`, ''],
    ],
  );
  assert.equal(whole[1]?.content.toString(), 'x'.repeat(1300));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }), (pieces) => {
      assert.deepEqual(parse(archive, pieces), whole);
    }),
    { numRuns: 60 },
  );
});

test('random members come back as they were written', () => {
  const member = fc.record({
    name: fc
      .uint8Array({ minLength: 1, maxLength: 100 })
      .filter((bytes) => !bytes.includes(0) && bytes.at(-1) !== 0x2f),
    uid: fc.oneof(fc.integer({ min: 0, max: 0o7777777 }), fc.constant(2 ** 32 - 2)),
    mtime: fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }),
    data: fc.uint8Array({ maxLength: 2000 }),
  });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 8 }), fc.integer({ min: 1, max: 4000 }), (members, piece) => {
      const raw = members.map(({ name, uid, mtime, data }): RawEntry => {
        return { name, uid: base256(BigInt(uid), 8), mtime: base256(mtime, 12), data };
      });
      const read = parse(rawTar(...raw), [piece]);
      assert.deepEqual(
        read.map(({ name, uid, mtime, content }) => [
          name.toString('hex'),
          uid,
          mtime.seconds,
          content.toString('hex'),
        ]),
        members.map(({ name, uid, mtime, data }) => [
          Buffer.from(name).toString('hex'),
          uid,
          Number(mtime),
          Buffer.from(data).toString('hex'),
        ]),
      );
    }),
    { numRuns: 100 },
  );
});

test('damaged archives end in an error of ours or in members, never in anything else', async () => {
  const archive = await tarOf([
    { path: 'p'.repeat(120), data: 'x'.repeat(700), xattrs: { 'user.a': 'b' } },
    { path: 's', type: 'symlink', target: 't' },
  ]);
  const flips = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(flips, fc.nat(archive.length), (changes, length) => {
      const broken = Buffer.from(archive.subarray(0, length));
      for (const [at, byte] of changes) if (at < length) broken[at] = byte;
      try {
        parse(broken, [1024]);
      } catch (error) {
        assert.ok(error instanceof Error && 'kind' in error, String(error));
        assert.match(String(error.kind), /^(invalid-argument|resource-exhausted|data-loss)$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('PAX records rule over the header, local ones over global ones', () => {
  const [first, second] = parse(
    rawTar(
      paxEntry(
        [
          ['uid', '7'],
          ['mtime', '12.5'],
          ['path', 'ignored'],
          ['SCHILY.xattr.user.g', 'all'],
        ],
        'g',
      ),
      paxEntry([
        ['path', 'näme'],
        ['gid', '4294967294'],
        ['mtime', '-1.25'],
        ['SCHILY.xattr.user.e', ''],
        ['comment', 'x=y\nz'],
      ]),
      { name: 'short', data: 'a' },
      { name: 'next' },
    ),
  );
  assert.equal(first?.name.toString(), 'näme');
  assert.deepEqual([first.uid, first.gid], [7, 4294967294]);
  assert.deepEqual(first.mtime, { seconds: -2, nanoseconds: 750_000_000 });
  assert.deepEqual(
    [...(first.xattrs ?? [])].map(([key, value]) => [key, value.toString()]),
    [
      ['user.g', 'all'],
      ['user.e', ''],
    ],
  );
  assert.equal(second?.name.toString(), 'next');
  assert.deepEqual(second.mtime, { seconds: 12, nanoseconds: 500_000_000 });
  assert.deepEqual([...(second.xattrs?.keys() ?? [])], ['user.g']);
});

test('of several extended headers of one entry the last one counts alone, and the global ones with it', () => {
  const [only] = parse(
    rawTar(
      paxEntry([['uid', '7']], 'g'),
      paxEntry([
        ['path', 'first'],
        ['gid', '8'],
        ['SCHILY.xattr.user.e', 'x'],
      ]),
      paxEntry([['mtime', '12']]),
      { name: 'own', gid: 9 },
    ),
  );
  assert.deepEqual([only?.name.toString(), only?.uid, only?.gid, only?.mtime.seconds], ['own', 7, 9, 12]);
  assert.equal(only?.xattrs, undefined);
});

test('times keep their nanoseconds and no more', () => {
  assert.deepEqual(parsePaxTime('1234567890.123456789999'), { seconds: 1234567890, nanoseconds: 123456789 });
  assert.deepEqual(parsePaxTime('-0.000000001'), { seconds: -1, nanoseconds: 999_999_999 });
  assert.deepEqual(parsePaxTime('-5'), { seconds: -5, nanoseconds: 0 });
  assert.deepEqual(parsePaxTime('3.'), { seconds: 3, nanoseconds: 0 });
  for (const wrong of ['', 'x', '1e5', '.5', '--1', '1 ', '99999999999999999999']) {
    assertThrowsWithKind(() => parsePaxTime(wrong), 'invalid-argument');
  }
});

test('GNU long names and links, and the ustar prefix', () => {
  const name = `${'d/'.repeat(200)}f`;
  const [long, prefixed] = parse(
    rawTar(
      { name: '././@LongLink', type: 'L', data: `${name}\0`, magic: 'ustar  \0' },
      { name: '././@LongLink', type: 'K', data: `${name}2\0`, magic: 'ustar  \0' },
      { name: 'cut', type: '2', link: 'cut too', magic: 'ustar  \0' },
      { name: 'file', prefix: 'some/dir' },
    ),
  );
  assert.equal(long?.name.toString(), name);
  assert.equal(long.link.toString(), `${name}2`);
  assert.equal(prefixed?.name.toString(), 'some/dir/file');
});

test('an old directory is told by its slash; only files have data', () => {
  const members = parse(
    rawTar(
      { name: 'old/', type: '\0', magic: '' },
      { name: 'dir', type: '5', size: 5000 },
      { name: 'hard', type: '1', link: 'x', size: 9 },
    ),
  );
  assert.deepEqual(
    members.map(({ type }) => type),
    ['directory', 'directory', 'hardlink'],
  );
});

test('sparse files: old GNU, PAX 0.0, 0.1 and 1.0', () => {
  const data = 'abc'.repeat(4);
  const segments = [
    { offset: 4096, length: 5 },
    { offset: 8192, length: 7 },
  ];
  const realSize = 20_000;
  const header = Buffer.concat(segments.flatMap(({ offset, length }) => [octal(offset, 12), octal(length, 12)]));
  const oldGnu = { name: 'f', type: 'S', magic: 'ustar  \0', data, patches: { 386: header, 483: octal(realSize, 12) } };
  const offsets = segments.flatMap(({ offset, length }) => [
    ['GNU.sparse.offset', String(offset)] as const,
    ['GNU.sparse.numbytes', String(length)] as const,
  ]);
  const map = segments.map(({ offset, length }) => `${offset},${length}`).join(',');
  const map10 = Buffer.from(`2\n${segments.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`);
  const stored10 = Buffer.concat([map10, Buffer.alloc(512 - map10.length), Buffer.from(data)]);
  const forms = {
    'old GNU': rawTar(oldGnu),
    '0.0': rawTar(paxEntry([['GNU.sparse.size', String(realSize)], ['GNU.sparse.numblocks', '2'], ...offsets]), {
      name: 'f',
      data,
    }),
    '0.1': rawTar(
      paxEntry([
        ['GNU.sparse.size', String(realSize)],
        ['GNU.sparse.name', 'f'],
        ['GNU.sparse.map', map],
      ]),
      { name: 'GNUSparseFile.1/f', data },
    ),
    '1.0': rawTar(
      paxEntry([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', 'f'],
        ['GNU.sparse.realsize', String(realSize)],
      ]),
      { name: 'GNUSparseFile.1/f', data: stored10 },
    ),
  };
  for (const [form, archive] of Object.entries(forms)) {
    const { name, sparse, sizeBytes, storedBytes, content } = only(archive);
    assert.deepEqual([name.toString(), sizeBytes, storedBytes, content.toString()], ['f', realSize, 12, data], form);
    assert.deepEqual(sparse, segments, form);
  }
});

test('an old GNU sparse file with extension blocks', () => {
  const segments = Array.from({ length: 30 }, (_, index) => ({ offset: index * 1024, length: 2 }));
  const pairs = segments.map(({ offset, length }) => Buffer.concat([octal(offset, 12), octal(length, 12)]));
  const extension = (some: Buffer[], more: boolean) => {
    const block = Buffer.alloc(512);
    Buffer.concat(some).copy(block);
    block[504] = more ? 1 : 0;
    return block;
  };
  const head = rawEntry({
    name: 'f',
    type: 'S',
    magic: 'ustar  \0',
    size: 60,
    patches: { 386: Buffer.concat(pairs.slice(0, 4)), 482: Buffer.from([1]), 483: octal(40_000, 12) },
  });
  const data = Buffer.alloc(512, 'z');
  const archive = rawTar(
    Buffer.concat([head, extension(pairs.slice(4, 25), true), extension(pairs.slice(25), false), data]),
  );
  const read = only(archive);
  assert.deepEqual(read.sparse, segments);
  assert.equal(read.content.toString(), 'z'.repeat(60));
});

test('what breaks the rules is refused', () => {
  const sparse = (...records: [string, string][]) =>
    rawTar(paxEntry([['GNU.sparse.size', '100'], ...records]), { name: 'f', data: 'abc' });
  const refused: Record<string, Buffer> = {
    checksum: rawTar({ name: 'a', checksum: 1 }),
    'no tar at all': Buffer.alloc(1024, 'random text '),
    'negative size': rawTar({ name: 'a', size: base256(-1n, 12) }),
    'size over 2^53': rawTar({ name: 'a', size: base256(2n ** 60n, 12) }),
    'uid 2^32-1': rawTar({ name: 'a', uid: base256(2n ** 32n - 1n, 8) }),
    'negative gid': rawTar({ name: 'a', gid: base256(-5n, 8) }),
    'digits that are none': rawTar({ name: 'a', mode: Buffer.from('00089\0\0\0') }),
    'unknown type': rawTar({ name: 'a', type: 'Q' }),
    'PAX without length': rawTar(rawEntry({ name: 'p', type: 'x', data: 'path=a\n' }), { name: 'a' }),
    'PAX too long': rawTar(rawEntry({ name: 'p', type: 'x', data: '90 path=a\n' }), { name: 'a' }),
    'PAX without key': rawTar(rawEntry({ name: 'p', type: 'x', data: '5 =a\n' }), { name: 'a' }),
    'NUL in a PAX path': rawTar(paxEntry([['path', 'a\0b']]), { name: 'a' }),
    'negative PAX size': rawTar(paxEntry([['size', '-1']]), { name: 'a' }),
    'hexadecimal PAX uid': rawTar(paxEntry([['uid', '0x10']]), { name: 'a' }),
    'overlapping segments': sparse(['GNU.sparse.map', '0,2,1,1']),
    'segments outside': sparse(['GNU.sparse.map', '99,3']),
    'too little for the segments': sparse(['GNU.sparse.map', '0,50']),
    'odd map': sparse(['GNU.sparse.map', '0,3,5']),
    'length without offset': sparse(['GNU.sparse.numbytes', '3']),
    'a single zero block': Buffer.concat([Buffer.alloc(512), rawTar({ name: 'a' })]),
  };
  for (const [what, archive] of Object.entries(refused)) {
    assertThrowsWithKind(() => parse(archive), 'invalid-argument', undefined);
    assert.ok(what);
  }
});

test('extended headers over the bound are refused before they are read', () => {
  const huge = rawEntry({ name: 'p', type: 'x', size: 2 ** 30 });
  assertThrowsWithKind(() => parse(huge), 'resource-exhausted');
  const map = rawTar(
    paxEntry([
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.realsize', '1'],
      ['GNU.sparse.name', 'f'],
    ]),
    { name: 'x', data: `99999999\n${'1\n'.repeat(40_000)}` },
  );
  assertThrowsWithKind(() => parse(map, [4096], 16_384), 'resource-exhausted');
});

test('a cut archive is data loss, wherever it is cut', async () => {
  const archive = await tarOf([
    { path: 'a', data: 'x'.repeat(2000) },
    { path: 'l'.repeat(150), data: 'y' },
  ]);
  const end = archive.length - 1024;
  for (let turn = 0; turn < 40; turn += 1) {
    const length = randomInt(1, end - 1);
    if (length === 512 + 2048) continue;
    assertThrowsWithKind(() => parse(archive.subarray(0, length)), 'data-loss');
  }
  assert.equal(parse(archive.subarray(0, end)).length, 2, 'the end marker may be missing');
});

test('what follows the end marker is ignored', () => {
  assert.equal(parse(Buffer.concat([rawTar({ name: 'a' }), Buffer.from('trailing'), rawTar({ name: 'b' })])).length, 1);
});
