import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { addon } from './addon.js';
import { createChecksums } from './checksums.js';

test("zlib's CRC-32, at once and piece by piece", () => {
  const checksums = createChecksums();
  const seed = Number(process.env['WHARFD_SEED'] ?? 1);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), fc.nat(64), (bytes, cut, skip) => {
      const part = bytes.subarray(skip);
      assert.equal(checksums.crc32(part), crc32(part));
      assert.equal(checksums.crc32(part.subarray(cut), checksums.crc32(part.subarray(0, cut))), crc32(part));
    }),
    { seed, numRuns: 500 },
  );
  assert.ok(addon().crc32(new Uint8Array(), 0) === 0, 'ISA-L is not installed (libisal2): its part was not tested');
});
