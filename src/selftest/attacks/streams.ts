import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../spec/digest.js';
import type { LayerAttack, Target } from '../attack.js';
import { rawEntry, rawTar } from '../raw-tar.js';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
const MIB = 1 << 20;
const ZSTD_BLOCK_BYTES = 128 * 1024;

/** S10: layers that are not what the image's config says. */
export function diffIdAttacks(): LayerAttack[] {
  const honest = rawTar({ name: 'f', data: 'what was looked at' });
  const more = rawTar({ name: 'g', data: 'what was not' });
  const attack = (name: string, more_: Partial<LayerAttack> & Pick<LayerAttack, 'layer' | 'guard'>): LayerAttack => ({
    ...{ row: 'S10', name, refused: 'data-loss' },
    ...more_,
  });
  const packed = gzipSync(honest);
  const wrongSum = Buffer.from(packed);
  wrongSum.writeUInt32LE((wrongSum.readUInt32LE(wrongSum.length - 8) ^ 1) >>> 0, wrongSum.length - 8);
  const promised = digestOf(honest);
  return [
    attack('another layer than the config promises', { guard: 'diff-id', layer: more, diffId: promised }),
    attack('bytes behind the end of the archive', {
      ...{ guard: 'diff-id', diffId: promised },
      layer: Buffer.concat([honest, Buffer.from('behind the end')]),
    }),
    attack('a second archive behind the end', {
      ...{ guard: 'diff-id', diffId: promised },
      layer: Buffer.concat([honest, more]),
    }),
    attack('a second member of gzip', {
      ...{ guard: 'diff-id', mediaType: GZIP, diffId: promised },
      layer: Buffer.concat([packed, gzipSync(more)]),
    }),
    attack('gzip that is cut off', {
      ...{ guard: 'whole-stream', mediaType: GZIP },
      layer: packed.subarray(0, packed.length - 9),
    }),
    attack('gzip with a wrong sum', { guard: 'whole-stream', mediaType: GZIP, layer: wrongSum }),
    attack('archive that ends in a file', {
      guard: 'whole-archive',
      layer: rawEntry({ name: 'f', data: Buffer.alloc(2048, 1) }).subarray(0, 1024),
    }),
  ];
}

/** S11: layers that would keep a worker busy, and are to be stopped. */
export function endlessAttacks(): LayerAttack[] {
  const attack = (name: string, tar: () => Buffer): LayerAttack => ({
    ...{ row: 'S11', name, guard: 'cancel', layer: () => gzipSync(tar(), { level: 1 }), mediaType: GZIP },
    limits: { maxBytes: 64 * MIB, maxEntries: 100_000, maxPathDepth: 255 },
    cancelled: true,
    refused: 'canceled',
  });
  const many = (count: number, make: (at: number) => Buffer) => () =>
    rawTar(Buffer.concat(Array.from({ length: count }, (_, at) => make(at))));
  return [
    attack(
      'files without end',
      many(5000, (at) => rawEntry({ name: `f${at}` })),
    ),
    attack('bytes without end', () => rawTar({ name: 'zeros', data: Buffer.alloc(40 * MIB) })),
    attack(
      'directories without end',
      many(5000, (at) => rawEntry({ name: `d${at % 7}/e${at}`, type: '5' })),
    ),
    attack(
      'deletions without end',
      many(5000, (at) => rawEntry({ name: `.wh.f${at}` })),
    ),
    attack(
      'links without end',
      many(5000, (at) => rawEntry({ name: `l${at}`, type: '2', link: `l${at + 1}` })),
    ),
    attack(
      'one name again and again',
      many(5000, () => rawEntry({ name: 'same' })),
    ),
  ];
}

/** S12: programs in the layer that are named like those that unpack the next one. */
export function programAttacks({ canary }: Target): LayerAttack[] {
  // Not to be packed well: only layers of some size go to a program.
  const second = () => rawTar({ name: 'f', data: randomBytes(2 * MIB) });
  return ['igzip', 'unpigz', 'pigz', 'gzip', 'gunzip', 'zstd'].map((name) => {
    const script = `#!/bin/sh\necho stolen > ${canary}/secret\nexec /usr/bin/${name} "$@"\n`;
    const isZstd = name === 'zstd';
    return {
      ...{ row: 'S12', name: `a ${name} of the layer's own`, guard: 'own-programs' },
      ...{
        mediaType: isZstd ? ZSTD : GZIP,
        layer: () => (isZstd ? storedZstd(second()) : gzipSync(second(), { level: 1 })),
      },
      before: rawTar({ name: `usr/bin/${name}`, mode: 0o755, data: script }),
      leaves: ['f', `usr/bin/${name}`],
    };
  });
}

/** A zstd frame of one segment whose blocks are not packed (RFC 8878, 3.1.1). */
function storedZstd(content: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 5);
  const parts: Uint8Array[] = [head];
  for (let at = 0; at < content.length; at += ZSTD_BLOCK_BYTES) {
    const block = content.subarray(at, at + ZSTD_BLOCK_BYTES);
    const isLast = at + block.length === content.length;
    const blockHead = Buffer.alloc(3);
    blockHead.writeUIntLE((block.length << 3) | Number(isLast), 0, 3);
    parts.push(blockHead, block);
  }
  return Buffer.concat(parts);
}

/** S13: file systems for the kernel to read. Each is a tar besides, so that whoever looks at the bytes alone unpacks it. */
export function mediaTypeAttacks(): LayerAttack[] {
  const types = [
    'application/vnd.erofs.layer.v1',
    'application/vnd.oci.image.layer.v1.erofs',
    'application/vnd.oci.image.layer.v1.squashfs',
    'application/vnd.example.ext4.image',
    'application/vnd.oci.image.layer.v1.tar+encrypted',
    'application/octet-stream',
  ];
  return types.map((mediaType) => ({
    ...{ row: 'S13', name: `layer of type ${mediaType}`, guard: 'layer-types', mediaType },
    layer: rawTar({ name: 'f', data: 'x' }),
    refused: 'invalid-argument',
  }));
}
