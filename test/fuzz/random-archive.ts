import { base256, octal, paxEntry, rawEntry } from '../../src/selftest/raw-tar.js';
import type { Random } from './random.js';

const BLOCK = 512;
const TYPES = ['0', '0', '0', '\0', '1', '2', '3', '4', '5', '6', '7', 'S', 'V', 'Q'] as const;
const NUMBERS = [
  '0',
  '1',
  '5',
  '12.5',
  '-1',
  '-1.25',
  '4294967294',
  '4294967295',
  '9007199254740993',
  '0x10',
  '',
  '007',
];
const MAPS = ['0,0', '0,3', '0,5,9,2', '0,2,1,1', '5', '0,3,5', '-1,4', '9007199254740991,1', ','];
const NUMBER_KEYS = [
  'size',
  'uid',
  'gid',
  'mtime',
  'atime',
  'GNU.sparse.size',
  'GNU.sparse.realsize',
  'GNU.sparse.major',
  'GNU.sparse.minor',
  'GNU.sparse.offset',
  'GNU.sparse.numbytes',
];
const TEXT_KEYS = [
  'path',
  'linkpath',
  'GNU.sparse.name',
  'comment',
  '__proto__',
  'SCHILY.xattr.',
  'SCHILY.xattr.__proto__',
];

/** An archive of a few members, most of them right, with headers of all kinds before them; half of the archives are then damaged. */
export function randomArchive(random: Random): Buffer {
  const make = random.oneIn(2) ? member : tameMember;
  const members = Array.from({ length: random.below(6) }, () => make(random));
  const archive = Buffer.concat([...members, Buffer.alloc(random.oneIn(4) ? BLOCK * random.below(3) : 2 * BLOCK)]);
  return random.oneIn(2) ? archive : damaged(archive, random);
}

/** A member that keeps the rules, but for how much comes before it. */
function tameMember(random: Random): Buffer {
  const headers = Array.from({ length: random.pick([0, 1, 2, 12]) }, () =>
    paxEntry([xattr(random), ['mtime', '12.5']], random.pick(['x', 'x', 'g'])),
  );
  const link = rawEntry({ name: 'link', type: random.pick(['1', '2']), link: 'file' });
  const file = rawEntry({ name: 'dir/file', data: random.bytes(random.pick([0, 512, 3000])) });
  return Buffer.concat([...headers, random.oneIn(4) ? link : file]);
}

function member(random: Random): Buffer {
  const extended = random.oneIn(2) ? [] : Array.from({ length: random.below(6) }, () => extendedHeader(random));
  const isFile = random.oneIn(2);
  const entry = rawEntry({
    name: name(random),
    type: isFile ? '0' : random.pick(TYPES),
    link: random.oneIn(2) ? name(random) : '',
    magic: random.pick(['ustar\x0000', 'ustar  \0', '']),
    mode: random.below(0o10000),
    uid: random.oneIn(4) ? base256(BigInt(random.below(2 ** 31)) * 3n, 8) : random.below(0o7777777),
    mtime: random.oneIn(4) ? base256(-BigInt(random.below(2 ** 31)), 12) : random.below(2 ** 31),
    data: content(random),
    ...(random.oneIn(8) ? { patches: sparsePatches(random) } : {}),
  });
  return Buffer.concat([...extended, entry]);
}

function extendedHeader(random: Random): Buffer {
  const type = random.pick(['x', 'x', 'x', 'g', 'L', 'K'] as const);
  if (type === 'x' || type === 'g') return paxEntry(records(random), type);
  return rawEntry({ name: '././@LongLink', type, data: Buffer.concat([name(random), Buffer.from('\0')]) });
}

function records(random: Random): [string, string | Buffer][] {
  return Array.from({ length: 1 + random.below(4) }, (): [string, string | Buffer] => {
    switch (random.below(4)) {
      case 0:
        return [random.pick(NUMBER_KEYS), random.pick(NUMBERS)];
      case 1:
        return [random.pick(TEXT_KEYS), name(random)];
      case 2:
        return ['GNU.sparse.map', random.pick(MAPS)];
      default:
        return xattr(random);
    }
  });
}

function xattr(random: Random): [string, Buffer] {
  return [`SCHILY.xattr.user.${random.below(1000)}`, Buffer.alloc(random.below(1500), random.below(256))];
}

function name(random: Random): Buffer {
  if (random.oneIn(3)) return random.bytes(160);
  return Buffer.from(
    random.pick(['a', 'dir/', 'dir/file', '../out', '/', './.', '.wh.a', 'd/'.repeat(200), 'é\u{fffd}']),
  );
}

/** Now and then a map of a PAX 1.0 sparse file comes first. */
function content(random: Random): Buffer {
  const bytes = random.bytes(random.pick([0, 3, 511, 512, 513, 3000]));
  if (!random.oneIn(5)) return bytes;
  const map = Buffer.alloc(BLOCK);
  map.write(random.pick(['1\n0\n3\n', '2\n0\n3\n8\n4\n', '0\n', '9999999\n1\n', '-1\n', 'x\n', '1\n0\n']));
  return Buffer.concat([map, bytes]);
}

/** The fields of an old GNU sparse header: segments, whether blocks with more follow, size of the file. */
function sparsePatches(random: Random): Record<number, Buffer> {
  return {
    386: octal(random.below(3) * BLOCK, 12),
    398: octal(random.below(600), 12),
    482: Buffer.from([random.below(2)]),
    483: octal(random.below(10_000), 12),
  };
}

/** Bytes changed, blocks doubled, left out or moved, the end cut off; with checksums set right again, so that readers get past them. */
export function damaged(archive: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(archive);
  for (let times = 1 + random.below(4); times > 0 && bytes.length > 0; times -= 1) {
    const at = random.below(bytes.length);
    const block = at - (at % BLOCK);
    const rest = bytes.subarray(block + BLOCK);
    switch (random.below(5)) {
      case 0:
        bytes = Buffer.from(bytes.subarray(0, at));
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, block), rest]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, block + BLOCK), bytes.subarray(block)]);
        break;
      default:
        bytes[at] = random.below(256);
        if (!random.oneIn(4)) setChecksum(bytes.subarray(block, block + BLOCK));
    }
  }
  return bytes;
}

/** Only where the block looks like a header, so that data stay data. */
function setChecksum(block: Buffer): void {
  if (block.length < BLOCK || !/^[0-7]{6}\0 $/.test(block.toString('latin1', 148, 156))) return;
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
