import { base256, paxEntry, rawEntry, type RawEntry } from '../../src/selftest/raw-tar.js';
import { damaged, randomArchive } from './random-archive.js';
import type { Random } from './random.js';

const BLOCK = 512;
/** Where members lie and what they are called: mostly as is right, in some layers in any way. */
const TAME = {
  folders: ['', '', 'd/', 'd/', 'd/e/', './', './d/'],
  names: ['a', 'b', 'c', 'f', 'f', '.wh.a', '.wh.f'],
} as const;
const WILD = {
  folders: [...TAME.folders, 'a/', '/', 'd//', 'l/', 'l/', '.wh.x/', 'd/e/f/', 'd/../'],
  names: [...TAME.names, 'd', 'l', '.wh.d', '.wh..wh..opq', '.', '..', 'n'.repeat(90)],
} as const;
type Names = typeof TAME | typeof WILD;

const TARGETS = ['a', 'd/a', 'd/e/c', 'd', '/', '..', 'l', '.wh.x'] as const;
const OTHERS = [
  { type: '1' },
  { type: '6' },
  { type: '7', data: 'x' },
  { type: '3', magic: 'ustar\x0000', major: 1, minor: 3 },
];
const SIZES = [0, 3, 511, 512, 513, 5000, 70_000] as const;

/**
 * A layer of members with few names, so that they meet: most as plain as members are, some with more to say before them or in a form of their
 * own. A quarter of the layers are then damaged, and some are archives of all kinds.
 */
export function randomLayer(random: Random): Buffer {
  if (random.oneIn(8)) return randomArchive(random);
  const names = random.oneIn(3) ? WILD : TAME;
  const members = Array.from({ length: random.below(30) }, () => member(random, names));
  const archive = Buffer.concat([...members, Buffer.alloc(2 * BLOCK)]);
  return random.oneIn(4) ? damaged(archive, random) : archive;
}

function member(random: Random, names: Names): Buffer {
  const plain = plainMember(random, names);
  if (!random.oneIn(8)) return rawEntry(plain);
  switch (random.oneIn(2) ? 0 : random.below(5)) {
    case 0:
      return Buffer.concat([paxEntry(records(random, plain)), rawEntry(plain)]);
    case 1:
      return Buffer.concat([paxEntry([['uid', '77']], 'g'), rawEntry(plain)]);
    case 2:
      return Buffer.concat([
        rawEntry({ name: 'long', type: 'L', data: `${random.pick<string>(names.folders)}long\0` }),
        rawEntry(plain),
      ]);
    case 3:
      return rawEntry({ ...plain, uid: base256(5n, 8) });
    default:
      return rawEntry({ ...plain, prefix: random.pick(names === TAME ? ['d', 'd/e'] : ['d', '.', 'd/']) });
  }
}

/** Of an extended header: mostly such as say a longer name or an exact time. */
function records(random: Random, { name }: RawEntry): [string, string][] {
  const names = [
    `./${String(name)}`,
    `${String(name)}${'-'.repeat(80)}`,
    'd/e/pax',
    '.wh.pax',
    'd/../pax',
    '/pax',
    'p/',
    '',
  ];
  const times = ['12.5', '0', '7.', '1.000000001', '2147483647.999999999', '2147483648', '-1', '1.0000000009'];
  return Array.from({ length: random.below(4) }, (): [string, string] => {
    switch (random.below(5)) {
      case 0:
      case 1:
        return ['mtime', random.pick(random.oneIn(3) ? times : times.slice(0, 5))];
      case 2:
        return ['path', random.pick(random.oneIn(3) ? names : names.slice(0, 3))];
      case 3:
        return ['ctime', random.pick(times)];
      default:
        return random.pick([
          ['atime', '5.5'],
          ['uid', '9'],
          ['SCHILY.xattr.user.x', 'y'],
          ['linkpath', 'a'],
          ['comment', 'z'],
        ]);
    }
  });
}

function plainMember(random: Random, { folders, names }: Names): RawEntry {
  const name = `${random.pick<string>(folders)}${random.pick<string>(names)}`;
  const shared = {
    name,
    mode: random.pick([0o644, 0o600, 0o4755, 0o2775, 0o1777]),
    uid: random.below(3),
    gid: random.below(3),
    mtime: random.oneIn(12) ? 2 ** 31 : random.pick([0, 5, 2 ** 31 - 1]),
    magic: random.oneIn(12) ? '' : random.pick(['ustar\x0000', 'ustar  \0']),
  };
  switch (random.below(10)) {
    case 0:
    case 1:
      return { ...shared, name: `${random.pick<string>(folders)}${random.pick(['d', 'e', 'f/', 'g/'])}`, type: '5' };
    case 2:
      return { ...shared, type: '2', link: random.pick(TARGETS) };
    case 3:
      return { ...shared, ...random.pick(OTHERS), link: random.pick(TARGETS) };
    default:
      return {
        ...shared,
        type: random.pick(['0', '0', '\0']),
        data: Buffer.alloc(random.pick(SIZES), random.below(256)),
      };
  }
}
