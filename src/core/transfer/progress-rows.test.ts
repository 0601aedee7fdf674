import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor } from '../../spec/descriptor.js';
import { digestOf } from '../../spec/digest.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { ProgressRows } from './progress-rows.js';

const LAYER: Descriptor = { mediaType: MEDIA_TYPES.ociLayer, digest: digestOf(Buffer.alloc(1)), size: 100 };

function rows() {
  const told: string[] = [];
  return { told, rows: new ProgressRows('name', ({ state, offset }) => told.push(`${state} ${offset}`)) };
}

test('what is unpacked of a layer before its blob is durable is told after the blob', () => {
  for (const [state, last] of [
    ['unpacking', 'unpacking 60'],
    ['done', 'unpacked 100'],
  ] as const) {
    const { told, rows: shown } = rows();
    const fetching = shown.fetching(LAYER);
    fetching.downloading(100);
    shown.unpacking({ layer: LAYER, state: 'unpacking', bytes: 30, entries: 1 });
    shown.unpacking({ layer: LAYER, state, bytes: 60, entries: 2 });
    assert.deepEqual(told, ['downloading 100']);
    shown.fetched(LAYER, 'fetched');
    assert.deepEqual(told.slice(1), ['downloaded 100', last]);
    shown.unpacking({ layer: LAYER, state: 'done', bytes: 100, entries: 3 });
    assert.equal(told.at(-1), 'unpacked 100');
  }
});

test('a layer that waits for its blob is not told to be unpacked', () => {
  const { told, rows: shown } = rows();
  shown.fetching(LAYER);
  shown.unpacking({ layer: LAYER, state: 'waiting', bytes: 0, entries: 0 });
  shown.fetched(LAYER, 'exists');
  assert.deepEqual(told, ['exists 100']);
});
