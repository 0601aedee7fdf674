import { gzipSync } from 'node:zlib';
import { base256, octal, paxEntry, rawTar, type RawEntry, type TarPart } from '../../src/selftest/raw-tar.js';
import { type Layer, layerOf, type Packing } from './image.js';
import type { TreeMember } from './tree.js';

/** What is to be there, of what a test looks at; `content` stands for its hash and size. */
export type Expected = Partial<TreeMember> & { readonly content?: Buffer | string };

/** One thing that unpackers disagree on, in a layer of its own and below a directory of its own. */
export interface Feature {
  /** The name of the directory. */
  readonly name: string;
  /** What the lowest layer has there. */
  readonly below?: readonly TarPart[];
  readonly layer: readonly TarPart[];
  /** By paths below the directory; undefined is not there. */
  readonly expect: Readonly<Record<string, Expected | undefined>>;
  /** How the tar becomes a blob; by gzip when missing. */
  readonly pack?: (tar: Buffer) => Layer;
  /** What follows the archive. */
  readonly trailing?: Buffer;
  /** Why umoci is not asked. */
  readonly notUmoci?: string;
}

const SECOND = 1_000_000_000n;
const HIGHEST = 2n ** 32n - 2n;
/** cap_net_raw, permitted and effective, as security.capability holds it (revision 2). */
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex');
/** user::rw-, user:7:r--, group::r--, mask::r--, other::--- (version 2). */
const ACL = Buffer.from(
  '02000000' + '01000600ffffffff' + '0200040007000000' + '04000400ffffffff' + '10000400ffffffff' + '20000000ffffffff',
  'hex',
);
const AT_RAW = Buffer.from([0x72, 0xff, 0xfe, 0x80]);

const file = (name: string, data: string | Buffer = name): RawEntry => ({ name, data });
const dir = (name: string, mode = 0o755): RawEntry => ({ name: `${name}/`, type: '5', mode });
const symlink = (name: string, link: string): RawEntry => ({ name, type: '2', link });
const hardLink = (name: string, link: string): RawEntry => ({ name, type: '1', link });
const nanoseconds = (seconds: bigint, rest = 0n) => String(seconds * SECOND + rest);
const packedBy = (packing: Packing) => (tar: Buffer) => layerOf(tar, packing);

/** Five pieces of 512 bytes, 8 KiB apart, and a hole at the end. */
const PIECES = Array.from({ length: 5 }, (_, at) => ({ offset: at * 8192, data: Buffer.alloc(512, 65 + at) }));
const SPARSE_BYTES = 5 * 8192;
const SPARSE_DATA = Buffer.concat(PIECES.map(({ data }) => data));
const SPARSE_FILE = Buffer.alloc(SPARSE_BYTES);
for (const { offset, data } of PIECES) data.copy(SPARSE_FILE, offset);
const MAP = PIECES.flatMap(({ offset, data }) => [offset, data.length]);

function oldGnuSparse(name: string): RawEntry {
  const pairs = PIECES.map(({ offset, data }) => Buffer.concat([octal(offset, 12), octal(data.length, 12)]));
  const extension = Buffer.alloc(512);
  Buffer.concat(pairs.slice(4)).copy(extension);
  return {
    name,
    type: 'S',
    magic: 'ustar  \0',
    patches: { 386: Buffer.concat(pairs.slice(0, 4)), 482: Buffer.from([1]), 483: octal(SPARSE_BYTES, 12) },
    size: SPARSE_DATA.length,
    data: Buffer.concat([extension, SPARSE_DATA]),
  };
}

function paxSparse(name: string, version: '0.0' | '0.1' | '1.0'): TarPart[] {
  const count = ['GNU.sparse.numblocks', String(PIECES.length)] as const;
  const size = ['GNU.sparse.size', String(SPARSE_BYTES)] as const;
  if (version === '0.0') {
    const pieces = PIECES.flatMap(({ offset, data }) => [
      ['GNU.sparse.offset', String(offset)] as const,
      ['GNU.sparse.numbytes', String(data.length)] as const,
    ]);
    return [paxEntry([size, count, ...pieces]), { name, data: SPARSE_DATA }];
  }
  const realName = ['GNU.sparse.name', name] as const;
  const stored = 'GNUSparseFile.0/stored';
  if (version === '0.1') {
    const map = ['GNU.sparse.map', MAP.join(',')] as const;
    return [paxEntry([size, count, realName, map]), { name: stored, data: SPARSE_DATA }];
  }
  const map = Buffer.alloc(512);
  map.write([PIECES.length, ...MAP, ''].join('\n'));
  const records = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    realName,
    ['GNU.sparse.realsize', String(SPARSE_BYTES)],
  ] as const;
  return [paxEntry(records), { name: stored, data: Buffer.concat([map, SPARSE_DATA]) }];
}

const LONG = `${'long-'.repeat(30)}name`;

/** The features, in the order of their layers above the lowest. */
export const FEATURES: readonly Feature[] = [
  {
    name: 'members',
    layer: [file('members/a', 'a'.repeat(2000)), file('members/b')],
    // Cut within the data of the first file.
    pack: (tar) => {
      const parts = [tar.subarray(0, 700), tar.subarray(700, 701), Buffer.alloc(0), tar.subarray(701)];
      return { ...layerOf(tar), bytes: Buffer.concat(parts.map((part) => gzipSync(part))) };
    },
    expect: { a: { content: 'a'.repeat(2000) }, b: { content: 'members/b' } },
  },
  {
    name: 'zstd',
    layer: [file('zstd/file')],
    pack: packedBy('zstd'),
    expect: { file: { content: 'zstd/file' } },
  },
  {
    name: 'plain',
    layer: [file('plain/file')],
    pack: packedBy('none'),
    expect: { file: { content: 'plain/file' } },
  },
  {
    name: 'trailing',
    layer: [file('trailing/file')],
    trailing: Buffer.concat([Buffer.alloc(3000), Buffer.from('what follows the end'), Buffer.alloc(512, 'x')]),
    expect: { file: { content: 'trailing/file' } },
  },
  { name: 'empty', below: [file('empty/file')], layer: [], expect: { file: { content: 'empty/file' } } },
  {
    name: 'sparse-gnu',
    layer: [oldGnuSparse('sparse-gnu/file'), file('sparse-gnu/next')],
    expect: { file: { content: SPARSE_FILE }, next: { content: 'sparse-gnu/next' } },
    notUmoci: 'it knows no such type',
  },
  ...(['0.0', '0.1', '1.0'] as const).map((version): Feature => {
    const name = `sparse-${version}`;
    return {
      name,
      layer: [...paxSparse(`${name}/file`, version), file(`${name}/next`)],
      expect: { file: { content: SPARSE_FILE }, next: { content: `${name}/next` } },
    };
  }),
  {
    name: 'links',
    layer: [
      file('links/a'),
      hardLink('links/b', 'links/a'),
      symlink('links/s', 'a'),
      hardLink('links/s2', './links/s'),
      hardLink('links/c', '/links/b'),
    ],
    expect: {
      b: { content: 'links/a', sameAs: 'links/a' },
      c: { sameAs: 'links/a' },
      s2: { target: 'a', sameAs: 'links/s' },
    },
  },
  {
    name: 'lower-link',
    below: [dir('lower-link'), { ...file('lower-link/a'), mode: 0o4711, uid: 5 }],
    layer: [hardLink('lower-link/b', 'lower-link/a')],
    expect: { b: { content: 'lower-link/a', mode: '0o104711', owner: '5:0', sameAs: 'lower-link/a' } },
  },
  {
    name: 'beneath',
    below: [
      dir('beneath/real', 0o711),
      symlink('beneath/link', '/beneath/up'),
      symlink('beneath/up', '../../beneath/real'),
    ],
    layer: [file('beneath/link/file'), dir('beneath/link/sub', 0o700), file('beneath/link/sub/deep')],
    expect: {
      link: { target: '/beneath/up' },
      real: { mode: '0o40711', mtime: nanoseconds(1_000_000_000n) },
      'real/file': { content: 'beneath/link/file' },
      'real/sub': { mode: '0o40700' },
      'real/sub/deep': { content: 'beneath/link/sub/deep' },
    },
  },
  {
    name: 'opaque',
    below: [
      dir('opaque/first'),
      dir('opaque/first/old'),
      dir('opaque/last'),
      file('opaque/first/old/x'),
      file('opaque/last/y'),
      file('opaque/last/both', 'old'),
    ],
    layer: [
      file('opaque/first/.wh..wh..opq', ''),
      file('opaque/first/new'),
      file('opaque/last/new'),
      file('opaque/last/both'),
      file('opaque/last/.wh..wh..opq', ''),
    ],
    expect: {
      'first/old': undefined,
      'first/new': { content: 'opaque/first/new' },
      'last/y': undefined,
      'last/both': { content: 'opaque/last/both' },
      'last/new': { content: 'opaque/last/new' },
    },
  },
  {
    name: 'whiteouts',
    below: ['before', 'after', 'gone', 'kept', 'tree/leaf'].map((name) => file(`whiteouts/${name}`, 'old')),
    layer: [
      file('whiteouts/.wh.before', ''),
      file('whiteouts/before'),
      file('whiteouts/after'),
      file('whiteouts/.wh.after', ''),
      file('whiteouts/.wh.gone', ''),
      file('whiteouts/.wh.tree', ''),
      file('whiteouts/.wh.never', ''),
      file('whiteouts/.wh..wh.plnk', ''),
    ],
    expect: {
      before: { content: 'whiteouts/before' },
      after: { content: 'whiteouts/after' },
      gone: undefined,
      kept: { content: 'old' },
      tree: undefined,
      never: undefined,
      '.wh..wh.plnk': undefined,
    },
    notUmoci: "it deletes a file that is named like AUFS's own",
  },
  {
    name: 'types',
    below: [
      file('types/file-dir'),
      dir('types/dir-file'),
      file('types/dir-file/x'),
      symlink('types/link-file', 'file-dir'),
      file('types/file-link'),
      symlink('types/link-dir', '/'),
      dir('types/dir-fifo'),
    ],
    layer: [
      dir('types/file-dir', 0o710),
      file('types/file-dir/in'),
      file('types/dir-file'),
      file('types/link-file'),
      symlink('types/file-link', 'x'),
      dir('types/link-dir'),
      { name: 'types/dir-fifo', type: '6' },
    ],
    expect: {
      'file-dir': { mode: '0o40710' },
      'file-dir/in': { content: 'types/file-dir/in' },
      'dir-file': { content: 'types/dir-file' },
      'dir-file/x': undefined,
      'link-file': { content: 'types/link-file' },
      'file-link': { target: 'x' },
      'link-dir': { mode: '0o40755', target: null },
      'dir-fifo': { mode: '0o10644' },
    },
  },
  {
    name: 'twice',
    layer: [
      file('twice/file', 'first, and longer'),
      { ...file('twice/file', 'second'), mode: 0o600 },
      dir('twice/dir', 0o700),
      file('twice/dir/x'),
      dir('twice/dir', 0o711),
      file('twice/turns'),
      symlink('twice/turns', 'dir'),
      file('twice/linked'),
      hardLink('twice/other', 'twice/linked'),
      file('twice/linked', 'new'),
    ],
    expect: {
      file: { content: 'second', mode: '0o100600' },
      dir: { mode: '0o40711' },
      'dir/x': { content: 'twice/dir/x' },
      turns: { target: 'dir' },
      other: { content: 'twice/linked', sameAs: 'twice/other' },
      linked: { content: 'new' },
    },
  },
  {
    name: 'orphans',
    layer: [file('orphans/no/parents/here')],
    expect: {
      no: { mode: '0o40755', owner: '0:0', mtime: '0' },
      'no/parents': { mode: '0o40755', mtime: '0' },
      'no/parents/here': { content: 'orphans/no/parents/here' },
    },
    notUmoci: 'it leaves the time of its work on directories that nobody describes',
  },
  {
    name: 'bytes',
    layer: [
      { name: Buffer.concat([Buffer.from('bytes/'), AT_RAW]), data: 'raw' },
      paxEntry([['path', Buffer.concat([Buffer.from('bytes/pax-'), AT_RAW])]]),
      { name: 'bytes/other', data: 'raw pax' },
      { name: 'bytes/link', type: '2', link: AT_RAW },
      file('bytes/new\nline\t"\\'),
    ],
    expect: {
      'r\\udcff\\udcfe\\udc80': { content: 'raw' },
      'pax-r\\udcff\\udcfe\\udc80': { content: 'raw pax' },
      link: { target: 'r\udcff\udcfe\udc80' },
      'new\nline\t"\\': { content: 'bytes/new\nline\t"\\' },
    },
  },
  {
    name: 'times',
    layer: [
      paxEntry([['mtime', '7.123456789']]),
      dir('times/dir'),
      paxEntry([['mtime', '-1.5']]),
      file('times/dir/file'),
      paxEntry([['mtime', '3000000000.000000001']]),
      symlink('times/link', 'x'),
      paxEntry([['mtime', '1.999999999999']]),
      { name: 'times/fifo', type: '6' },
    ],
    expect: {
      dir: { mtime: nanoseconds(7n, 123_456_789n) },
      'dir/file': { mtime: nanoseconds(-2n, 500_000_000n) },
      link: { mtime: nanoseconds(3_000_000_000n, 1n) },
      fifo: { mtime: nanoseconds(1n, 999_999_999n) },
    },
  },
  {
    name: 'owners',
    layer: [
      { ...file('owners/binary'), uid: base256(HIGHEST, 8), gid: base256(3_000_000n, 8) },
      paxEntry([
        ['uid', String(HIGHEST)],
        ['gid', '4000000'],
      ]),
      symlink('owners/pax', 'x'),
    ],
    expect: { binary: { owner: `${HIGHEST}:3000000` }, pax: { owner: `${HIGHEST}:4000000` } },
  },
  {
    name: 'modes',
    layer: [
      { ...file('modes/suid'), mode: 0o6755, uid: 9 },
      dir('modes/sticky', 0o3777),
      { name: 'modes/null', type: '3', mode: 0o666, major: 1, minor: 3 },
      { name: 'modes/disk', type: '4', mode: 0o660, major: 259, minor: 70_000 },
      { ...file('modes/none'), mode: 0 },
    ],
    expect: {
      suid: { mode: '0o106755', owner: '9:0' },
      sticky: { mode: '0o43777' },
      null: { mode: '0o20666', device: '1:3' },
      disk: { mode: '0o60660', device: '259:70000' },
      none: { mode: '0o100000' },
    },
  },
  {
    name: 'attributes',
    layer: [
      paxEntry([
        ['SCHILY.xattr.user.colour', 'blue'],
        ['SCHILY.xattr.security.capability', NET_RAW],
      ]),
      file('attributes/file'),
      paxEntry([['SCHILY.xattr.user.of', Buffer.from([0, 255, 10])]]),
      dir('attributes/dir'),
      paxEntry([['SCHILY.xattr.system.posix_acl_access', ACL]]),
      { ...file('attributes/acl'), mode: 0o640 },
    ],
    expect: {
      file: { xattrs: { 'security.capability': NET_RAW.toString('hex'), 'user.colour': '626c7565' } },
      dir: { xattrs: { 'user.of': '00ff0a' } },
      acl: { xattrs: { 'system.posix_acl_access': ACL.toString('hex') }, mode: '0o100640' },
    },
  },
  {
    name: 'foreign-attributes',
    layer: [
      paxEntry([
        ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
        ['SCHILY.xattr.user.overlay.opaque', 'y'],
        ['SCHILY.xattr.user.kept', '1'],
      ]),
      dir('foreign-attributes/dir'),
    ],
    expect: { dir: { xattrs: { 'user.kept': '31' } } },
    notUmoci: "it sets overlayfs's attributes",
  },
  {
    name: 'long',
    layer: [
      { name: '././@LongLink', type: 'L', data: `long/${LONG}\0` },
      file('long/cut'),
      { name: '././@LongLink', type: 'K', data: `${LONG}\0` },
      symlink('long/link', 'cut'),
      { name: 'rest', prefix: `long/${'p'.repeat(140)}`, data: 'prefixed' },
    ],
    expect: {
      [LONG]: { content: 'long/cut' },
      link: { target: LONG },
      [`${'p'.repeat(140)}/rest`]: { content: 'prefixed' },
      cut: undefined,
    },
    notUmoci: 'it leaves the time of its work on the directory of the last',
  },
  {
    name: 'global',
    layer: [
      paxEntry(
        [
          ['mtime', '5.5'],
          ['uid', '77'],
          ['path', 'global/never'],
          ['comment', 'of all'],
        ],
        'g',
      ),
      file('global/a'),
      paxEntry([['uid', '78']]),
      file('global/b'),
    ],
    expect: {
      a: { content: 'global/a', owner: '77:0', mtime: '5500000000' },
      b: { content: 'global/b', owner: '78:0', mtime: '5500000000' },
      never: undefined,
    },
    notUmoci: 'it takes global headers for nothing',
  },
  {
    name: 'contiguous',
    layer: [{ name: 'contiguous/file', type: '7', data: 'seven' }],
    expect: { file: { content: 'seven' } },
    notUmoci: 'it knows no such type',
  },
  {
    name: 'spelling',
    layer: [file('./spelling//a'), file('/spelling/./b'), { name: 'spelling/v7', type: '\0', magic: '', data: 'old' }],
    expect: {
      a: { content: './spelling//a' },
      b: { content: '/spelling/./b' },
      v7: { content: 'old' },
    },
  },
];

/** The lowest layer: the directories, and what lies in them. */
export function lowestTar(features: readonly Feature[]): Buffer {
  return rawTar(dir('.', 0o711), ...features.flatMap(({ name, below = [] }) => [dir(name), ...below]));
}

/** The layer of a feature. */
export function layerWith({ layer, trailing = Buffer.alloc(0), pack = packedBy('gzip') }: Feature): Layer {
  return pack(Buffer.concat([rawTar(...layer), trailing]));
}
