import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonError } from '../../base/errors.js';
import { SILENT } from '../../base/logger.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { digestOf } from '../../spec/digest.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import type { ContentStore } from '../content/content-store.js';
import { SpaceReservations } from './free-space.js';

const MB = 1_000_000;
const MANIFEST: Descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf('manifest'), size: 8 };
const layer = (name: string, size: number): Descriptor => ({
  mediaType: MEDIA_TYPES.ociLayer,
  digest: digestOf(name),
  size,
});

const absent = () => Promise.reject(new DaemonError('not-found', 'nothing is there'));
const EMPTY = { info: absent, status: absent } as unknown as ContentStore;

function open(disk: { bytes: number }, warnings: object[] = []) {
  const log = { ...SILENT, warn: (fields: object) => void warnings.push(fields) };
  const all = new SpaceReservations(() => Promise.resolve({ fileSystem: '/data', bytes: disk.bytes }), log);
  return (name: string, ...layers: Descriptor[]) => {
    const pull = all.open(name, EMPTY, 'test');
    const check = pull.checking(() => Promise.resolve(layers), { unpacks: true });
    return { pull, check: () => check(MANIFEST, new AbortController().signal) };
  };
}

test('what running pulls have still to download counts, and what they have stored counts no more', async () => {
  const disk = { bytes: 60 * MB };
  const begin = open(disk);
  const first = begin('first', layer('a', 40 * MB));
  await first.check();
  const second = begin('second', layer('b', 40 * MB));
  await assert.rejects(
    second.check(),
    /second: .*40\.0 MB are to be downloaded, but the file system \/data has 60\.0 MB free, 40\.0 MB of them for pulls that are running; 20\.0 MB \(20000000 bytes\) are missing/,
  );
  first.pull.stored(layer('a', 40 * MB), 30 * MB);
  disk.bytes = 30 * MB;
  await assert.rejects(second.check(), /20\.0 MB \(20000000 bytes\) are missing/);
  first.pull[Symbol.dispose]();
  disk.bytes = 40 * MB;
  await second.check();
});

test('one layer that several pulls wait for is claimed once, until the last of them ends', async () => {
  const begin = open({ bytes: 60 * MB });
  const [first, second] = [begin('first', layer('a', 50 * MB)), begin('second', layer('a', 50 * MB))];
  await Promise.all([first.check(), second.check()]);
  first.pull[Symbol.dispose]();
  const third = begin('third', layer('b', 20 * MB));
  await assert.rejects(third.check(), /10\.0 MB \(10000000 bytes\) are missing/);
  second.pull[Symbol.dispose]();
  await third.check();
});

test('an image that fits as it is packed, but hardly unpacked, is pulled with a warning', async () => {
  const warnings: object[] = [];
  await open({ bytes: 100 * MB }, warnings)('small', layer('a', 25 * MB)).check();
  assert.deepEqual(warnings, []);
  await open({ bytes: 100 * MB }, warnings)('large', layer('a', 26 * MB)).check();
  assert.deepEqual(warnings, [{ image: 'large', fileSystem: '/data', freeBytes: 100 * MB, estimateBytes: 104 * MB }]);
});
