import { gzipSync } from 'node:zlib';
import type { LayerAttack } from '../attack.js';
import { paxEntry, rawEntry, rawTar } from '../raw-tar.js';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const MIB = 1 << 20;

/** S9: small layers that become large. For the limits of the test: 8 MiB, 1000 entries, 64 KiB of extended headers. */
export function bombAttacks(): LayerAttack[] {
  const bomb = (name: string, guard: LayerAttack['guard'], layer: LayerAttack['layer']): LayerAttack => ({
    ...{ row: 'S9', name, guard, layer },
    refused: 'resource-exhausted',
  });
  return [
    bomb('too many bytes', 'max-bytes', () => rawTar({ name: 'zeros', data: Buffer.alloc(9 * MIB) })),
    {
      ...bomb('zeros packed a thousandfold', 'max-ratio', () =>
        gzipSync(rawTar({ name: 'z', data: Buffer.alloc(6 * MIB) })),
      ),
      mediaType: GZIP,
      limits: { ratioFloorBytes: MIB },
    },
    bomb('too many entries', 'max-entries', () =>
      rawTar(...Array.from({ length: 1001 }, (_, at) => ({ name: `f${at}` }))),
    ),
    bomb(
      'too large a PAX header',
      'max-extended-bytes',
      rawTar(paxEntry([['comment', 'x'.repeat(70_000)]]), { name: 'a' }),
    ),
    bomb(
      'PAX header that claims a gigabyte',
      'max-extended-bytes',
      Buffer.concat([rawEntry({ name: 'p', type: 'x', size: 2 ** 30 }), Buffer.alloc(1024)]),
    ),
    bomb(
      'too long a GNU name',
      'max-extended-bytes',
      rawTar({ name: 'l', type: 'L', data: 'n'.repeat(70_000), magic: 'ustar  \0' }, { name: 'a' }),
    ),
    bomb(
      'PAX headers that add up, before one entry',
      'max-extended-bytes',
      rawTar(...attributes(300, 'x'), { name: 'a' }),
    ),
    bomb('global headers that add up', 'max-extended-bytes', rawTar(...attributes(300, 'g'), { name: 'a' })),
    bomb('too many sparse segments', 'max-extended-bytes', rawTar(sparseHeader(), { name: 'f', data: manySegments() })),
    {
      ...bomb(
        'sparse file of an exabyte that holds nothing',
        'number-range',
        rawTar(
          paxEntry([
            ['GNU.sparse.size', String(2 ** 53)],
            ['GNU.sparse.map', '0,0'],
          ]),
          { name: 'f' },
        ),
      ),
      refused: 'invalid-argument',
    },
    {
      ...bomb(
        'sparse segments that overlap',
        'sparse-map',
        rawTar(
          paxEntry([
            ['GNU.sparse.size', '4096'],
            ['GNU.sparse.map', '0,512,0,512'],
          ]),
          { name: 'f', data: Buffer.alloc(1024, 1) },
        ),
      ),
      refused: 'invalid-argument',
    },
    {
      ...bomb(
        'attribute of over 64 KiB',
        'xattr-size',
        rawTar(paxEntry([['SCHILY.xattr.user.big', 'x'.repeat(65_537)]]), { name: 'a' }),
      ),
      limits: { maxPaxBytes: MIB },
      refused: 'invalid-argument',
    },
  ];
}

/** Headers of an attribute each, which overlayfs owns, so that no file system refuses so many. */
function attributes(count: number, type: 'x' | 'g'): Buffer[] {
  return Array.from({ length: count }, (_, at) =>
    paxEntry([[`SCHILY.xattr.trusted.overlay.${at}`, 'x'.repeat(400)]], type),
  );
}

function sparseHeader(): Buffer {
  return paxEntry([
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.realsize', '1'],
    ['GNU.sparse.name', 'f'],
  ]);
}

const manySegments = () => `9999999\n${'0\n'.repeat(40_000)}`;
