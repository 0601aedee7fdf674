import { base256, paxEntry, rawEntry, rawTar, type RawEntry } from '../support/raw-tar.js';

/** A layer made to do harm. */
export interface LayerAttack {
  /** Row of the list of attack classes that it belongs to. */
  readonly row: string;
  readonly name: string;
  readonly tar: Buffer;
  /** Kind of the error that stops it; undefined where it is applied and must stay without effect outside. */
  readonly refused?: 'invalid-argument' | 'resource-exhausted';
  /** Paths, latin1 of their bytes, that have to be there afterwards; a path that begins with `!` must not be. */
  readonly leaves?: readonly string[];
}

/** @param outside Absolute path of a directory with a file `secret` that no layer may touch. */
export function layerAttacks(outside: string): LayerAttack[] {
  return [
    ...badNames(),
    ...links(outside),
    ...hardLinks(outside),
    ...linkTargets(outside),
    ...whiteouts(outside),
    ...forgedState(),
    ...devices(),
    ...bombs(),
    ...strangeNames(),
  ];
}

/** cap_net_raw, as the kernel keeps it (revision 2). */
const CAPABILITY = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

const TYPES: Readonly<Record<string, Partial<RawEntry>>> = {
  file: { data: 'x' },
  directory: { type: '5' },
  symlink: { type: '2', link: 'target' },
  fifo: { type: '6' },
  device: { type: '3', major: 1, minor: 3 },
  hardlink: { type: '1', link: 'base' },
};

function badNames(): LayerAttack[] {
  const names: Readonly<Record<string, string>> = {
    parent: '..',
    'beside the root': '../canary/new',
    'up from within': 'a/../../canary/new',
    'far up': `${'../'.repeat(20)}tmp/new`,
    'absolute and up': '/../../canary/new',
    'up at the end': 'a/b/..',
  };
  const refused = Object.entries(names).flatMap(([what, name]) =>
    Object.entries(TYPES).map(([type, more]): LayerAttack => {
      const tar = rawTar({ name: 'base' }, { ...more, name });
      return { row: 'S1', name: `${type} named ${what}`, tar, refused: 'invalid-argument' };
    }),
  );
  return [
    ...refused,
    { row: 'S1', name: 'empty name', tar: rawTar({ name: '' }), refused: 'invalid-argument' },
    { row: 'S1', name: 'absolute name', tar: rawTar({ name: '/etc/new', data: 'x' }), leaves: ['etc/new'] },
    { row: 'S1', name: 'doubled slashes and dots', tar: rawTar({ name: './/p/.//./q', data: 'x' }), leaves: ['p/q'] },
    {
      row: 'S1',
      name: 'NUL in the name',
      tar: rawTar(paxEntry([['path', 'a\0/../b']]), { name: 'a' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: 'NUL in a link',
      tar: rawTar(paxEntry([['linkpath', 'a\0b']]), { name: 'a', type: '2' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: 'component of 256 bytes',
      tar: rawTar(paxEntry([['path', 'n'.repeat(256)]]), { name: 'a' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: 'name of 5000 bytes',
      tar: rawTar(paxEntry([['path', 'ab/'.repeat(1700)]]), { name: 'a' }),
      refused: 'resource-exhausted',
    },
    {
      row: 'S1',
      name: '300 directories deep',
      tar: rawTar(paxEntry([['path', `${'d/'.repeat(300)}f`]]), { name: 'a' }),
      refused: 'resource-exhausted',
    },
    {
      row: 'S1',
      name: '.. in a PAX path behind a harmless name',
      tar: rawTar(paxEntry([['path', '../canary/new']]), { name: 'harmless' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: '.. in a GNU long name',
      tar: rawTar({ name: 'l', type: 'L', data: '../canary/new\0', magic: 'ustar  \0' }, { name: 'harmless' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: '.. in a sparse name',
      tar: rawTar(
        paxEntry([
          ['GNU.sparse.name', '../canary/new'],
          ['GNU.sparse.size', '0'],
        ]),
        { name: 'harmless' },
      ),
      refused: 'invalid-argument',
    },
    {
      row: 'S1',
      name: '.. in the ustar prefix',
      tar: rawTar({ name: 'new', prefix: '../canary' }),
      refused: 'invalid-argument',
    },
  ];
}

function links(outside: string): LayerAttack[] {
  const through = (link: string, leaves: readonly string[]): LayerAttack => ({
    row: 'S2',
    name: `file through a link to ${link.startsWith('/') ? 'an absolute path' : link}`,
    tar: rawTar({ name: 'l', type: '2', link }, { name: 'l/secret', data: 'overwritten' }),
    leaves,
  });
  const roots = ['.', './', '/', '/.', './/'].map((name): LayerAttack => ({
    row: 'S2',
    name: `root ${name} as a link`,
    tar: rawTar({ name, type: '2', link: outside }, { name: 'secret', data: 'overwritten' }),
    refused: 'invalid-argument',
  }));
  return [
    through(outside, [`${outside.slice(1)}/secret`]),
    through('../../../../../canary', ['canary/secret']),
    through('..', ['secret']),
    ...roots,
    {
      row: 'S2',
      name: 'root as a file',
      tar: rawTar({ name: './', data: 'x' }, { name: '.', data: 'x' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S2',
      name: 'directory replaced by a link between entries',
      tar: rawTar(
        { name: 'd', type: '5' },
        { name: 'd/a' },
        { name: 'd', type: '2', link: outside },
        { name: 'd/secret', data: 'x' },
      ),
      leaves: ['d', `${outside.slice(1)}/secret`],
    },
    {
      row: 'S2',
      name: 'link made of two links',
      tar: rawTar(
        { name: 'x', type: '2', link: '..' },
        { name: 'y', type: '2', link: 'x/canary' },
        { name: 'y/secret', data: 'x' },
      ),
      leaves: ['canary/secret'],
    },
    {
      row: 'S2',
      name: 'links that go round',
      tar: rawTar({ name: 'x', type: '2', link: 'y' }, { name: 'y', type: '2', link: 'x' }, { name: 'x/f' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S2',
      name: 'links that double at every step',
      tar: rawTar(
        { name: 'e0', type: '5' },
        ...Array.from({ length: 30 }, (_, at): RawEntry => ({
          name: `e${at + 1}`,
          type: '2',
          link: `e${at}/../e${at}`,
        })),
        { name: 'e30/f' },
      ),
      refused: 'invalid-argument',
    },
    {
      row: 'S2',
      name: 'file beneath a file',
      tar: rawTar({ name: 'f' }, { name: 'f/g' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S2',
      name: 'overwriting a link writes no target',
      tar: rawTar({ name: 'l', type: '2', link: `${outside}/secret` }, { name: 'l', data: 'x' }),
      leaves: ['l'],
    },
    {
      row: 'S2',
      name: 'directory over a link',
      tar: rawTar(
        { name: 'l', type: '2', link: outside },
        { name: 'l', type: '5', mode: 0o777 },
        { name: 'l/secret', data: 'x' },
      ),
      leaves: ['l/secret'],
    },
  ];
}

function hardLinks(outside: string): LayerAttack[] {
  const to = (what: string, link: string, ...before: RawEntry[]): LayerAttack => ({
    row: 'S3',
    name: `hard link ${what}`,
    tar: rawTar(...before, { name: 'stolen', type: '1', link }, { name: 'stolen', data: 'x', mode: 0o777 }),
  });
  return [
    { ...to('up and out', '../canary/secret'), refused: 'invalid-argument' },
    { ...to('up from within', 'a/../../canary/secret', { name: 'a', type: '5' }), refused: 'invalid-argument' },
    {
      row: 'S3',
      name: 'hard link to the root',
      tar: rawTar({ name: 'r', type: '1', link: '/' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S3',
      name: 'hard link to a directory',
      tar: rawTar({ name: 'd', type: '5' }, { name: 'h', type: '1', link: 'd' }),
      refused: 'invalid-argument',
    },
    {
      row: 'S3',
      name: 'hard link to itself',
      tar: rawTar({ name: 'f', data: 'x' }, { name: 'f', type: '1', link: './f' }),
      leaves: ['f'],
    },
    {
      row: 'S3',
      name: 'hard link through a link out, then written',
      tar: rawTar(
        { name: 'l', type: '2', link: outside },
        { name: `${outside.slice(1)}/secret`, data: 'mine' },
        { name: 'stolen', type: '1', link: 'l/secret' },
        { name: 'stolen', data: 'x', mode: 0o777 },
      ),
      leaves: ['stolen', `${outside.slice(1)}/secret`],
    },
    {
      row: 'S3',
      name: 'hard link to a link out, then changed',
      tar: rawTar(
        { name: 'l', type: '2', link: `${outside}/secret` },
        { name: 'h', type: '1', link: 'l', mode: 0o777, uid: 1 },
        { name: 'h', data: 'x', mode: 0o777 },
      ),
      leaves: ['h', 'l'],
    },
  ];
}

function linkTargets(outside: string): LayerAttack[] {
  const secret = `${outside}/secret`;
  return [
    {
      row: 'S4',
      name: 'link with mode, owner and times of its own',
      tar: rawTar({ name: 'l', type: '2', link: secret, mode: 0o4777, uid: 12, gid: 13, mtime: 5 }),
      leaves: ['l'],
    },
    {
      row: 'S4',
      name: 'link with extended attributes',
      tar: rawTar(
        paxEntry([
          ['SCHILY.xattr.user.evil', '1'],
          ['SCHILY.xattr.security.capability', CAPABILITY],
        ]),
        {
          name: 'l',
          type: '2',
          link: secret,
        },
      ),
    },
    {
      row: 'S4',
      name: 'hard link to a link, with mode and owner',
      tar: rawTar(
        { name: 'l', type: '2', link: secret },
        { name: 'h', type: '1', link: 'l', mode: 0o7777, uid: 9, gid: 9, mtime: 7 },
      ),
    },
    {
      row: 'S4',
      name: 'directory, then a link of its name, then a file below',
      tar: rawTar({ name: 'd', type: '5', mode: 0o700, mtime: 1 }, { name: 'd', type: '2', link: outside }),
      leaves: ['d'],
    },
  ];
}

function whiteouts(outside: string): LayerAttack[] {
  const bad = ['.wh.', '.wh..', '.wh...', '.wh./x', 'd/.wh.', 'd/.wh..', '.wh.x/y', 'd/.wh.x/y'].map(
    (name): LayerAttack => ({
      row: 'S5',
      name: `whiteout ${name}`,
      tar: rawTar({ name: 'd', type: '5' }, { name }),
      refused: 'invalid-argument',
    }),
  );
  const through = (mark: string): LayerAttack => ({
    row: 'S5',
    name: `${mark} through a link`,
    tar: rawTar({ name: 'l', type: '2', link: outside }, { name: `l/${mark}` }),
    leaves: ['l'],
  });
  return [
    ...bad,
    through('.wh.secret'),
    through('.wh..wh..opq'),
    {
      row: 'S5',
      name: 'whiteout of a link out',
      tar: rawTar({ name: 'l', type: '2', link: outside }, { name: '.wh.l' }),
      leaves: ['l'],
    },
    {
      row: 'S5',
      name: "AUFS's own names",
      tar: rawTar({ name: '.wh..wh.plnk/1.2', data: 'x' }, { name: '.wh..wh.aufs' }),
      leaves: ['!.wh..wh.plnk', '!.wh..wh.aufs'],
    },
    {
      row: 'S5',
      name: 'hard link to what the layer deletes',
      tar: rawTar({ name: '.wh.gone' }, { name: 'h', type: '1', link: 'gone' }),
      refused: 'invalid-argument',
    },
  ];
}

function forgedState(): LayerAttack[] {
  const names = [
    ...['opaque', 'redirect', 'metacopy', 'origin', 'impure', 'nlink', 'upper', 'whiteout'].map(
      (each) => `trusted.overlay.${each}`,
    ),
    ...['opaque', 'redirect', 'metacopy'].map((each) => `user.overlay.${each}`),
    'trusted.other',
    'security.selinux',
    'security.ima',
    'system.nfs4_acl',
  ];
  return names.flatMap((name) =>
    ['5', '0'].map((type): LayerAttack => ({
      row: 'S6',
      name: `${name} on a ${type === '5' ? 'directory' : 'file'}`,
      tar: rawTar(paxEntry([[`SCHILY.xattr.${name}`, 'y']]), { name: 'carrier', type }),
      leaves: ['carrier'],
    })),
  );
}

function devices(): LayerAttack[] {
  const device = (what: string, more: Partial<RawEntry>): LayerAttack => ({
    row: 'S7',
    name: what,
    tar: rawTar({ name: 'dev', type: '3', mode: 0o666, ...more }),
    refused: 'invalid-argument',
  });
  return [
    { ...device('character device 0:0', { major: 0, minor: 0 }), row: 'S6' },
    device('major number that truncates', { major: base256(2n ** 32n + 1n, 8), minor: 3 }),
    device('minor number that truncates', { major: 1, minor: base256(2n ** 32n + 3n, 8) }),
    device('major number over 12 bits', { major: 4096, minor: 1 }),
    device('minor number over 20 bits', { type: '4', major: 8, minor: base256(1n << 20n, 8) }),
    device('negative major number', { major: base256(-1n, 8), minor: 1 }),
    device('socket', { type: 's' }),
  ];
}

/** To be applied with the limits of the test: 8 MiB, 1000 entries, 64 KiB of PAX. */
function bombs(): LayerAttack[] {
  const many = Array.from({ length: 1001 }, (_, at) => rawEntry({ name: `f${at}` }));
  const bomb = (name: string, tar: Buffer): LayerAttack => ({ row: 'S9', name, tar, refused: 'resource-exhausted' });
  return [
    bomb('too many bytes', rawTar({ name: 'zeros', data: Buffer.alloc(9 << 20) })),
    bomb('too many entries', rawTar(Buffer.concat(many))),
    bomb('too large a PAX header', rawTar(paxEntry([['comment', 'x'.repeat(70_000)]]), { name: 'a' })),
    bomb('PAX header that claims a gigabyte', rawEntry({ name: 'p', type: 'x', size: 2 ** 30 })),
    bomb(
      'too long a GNU name',
      rawTar({ name: 'l', type: 'L', data: 'n'.repeat(70_000), magic: 'ustar  \0' }, { name: 'a' }),
    ),
    bomb(
      'too many sparse segments',
      rawTar(
        paxEntry([
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.realsize', '1'],
          ['GNU.sparse.name', 'f'],
        ]),
        {
          name: 'f',
          data: `9999999\n${'0\n'.repeat(40_000)}`,
        },
      ),
    ),
    {
      row: 'S9',
      name: 'sparse file of an exabyte that holds nothing',
      tar: rawTar(
        paxEntry([
          ['GNU.sparse.size', String(2 ** 53)],
          ['GNU.sparse.map', '0,0'],
        ]),
        { name: 'f' },
      ),
      refused: 'invalid-argument',
    },
    {
      row: 'S9',
      name: 'attribute of over 64 KiB',
      tar: rawTar(paxEntry([['SCHILY.xattr.user.big', 'x'.repeat(65_537)]]), { name: 'a' }),
      refused: 'invalid-argument',
    },
  ];
}

function strangeNames(): LayerAttack[] {
  const raw = (...bytes: number[]) => Uint8Array.from(bytes);
  return [
    {
      row: 'S14',
      name: 'names that differ in invalid bytes only',
      tar: rawTar(
        { name: raw(0x61, 0xff), data: '1' },
        { name: raw(0x61, 0xfe), data: '2' },
        { name: 'a\ufffd', data: '3' },
      ),
      leaves: ['a\xff', 'a\xfe', 'a\xef\xbf\xbd'],
    },
    {
      row: 'S14',
      name: '__proto__ and its like',
      tar: rawTar({ name: '__proto__/constructor', data: 'x' }),
      leaves: ['__proto__/constructor'],
    },
    {
      row: 'S14',
      name: 'attributes named like fields of an object',
      tar: rawTar(
        paxEntry([
          ['__proto__', 'x'],
          ['SCHILY.xattr.user.__proto__', 'x'],
          ['constructor', ''],
        ]),
        { name: 'a' },
      ),
      leaves: ['a'],
    },
    {
      row: 'S14',
      name: 'size over 2^53',
      tar: rawTar({ name: 'a', size: base256(2n ** 53n, 12) }),
      refused: 'invalid-argument',
    },
    {
      row: 'S14',
      name: 'newline and escape codes in a name',
      tar: rawTar({ name: 'a\n\u001b[31m', data: 'x' }),
      leaves: ['a\n\u001b[31m'],
    },
  ];
}
