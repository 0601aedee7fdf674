import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentsOf } from './committed-image.js';
import { parseImageConfig } from '../../spec/image-config.js';
import { digestOf } from '../../spec/digest.js';
import { parseManifest } from '../../spec/manifest.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';

const PLATFORM = { os: 'linux', architecture: 'arm64', variant: 'v8' };
const STEP = { created: new Date(1000), createdBy: 'ctr commit c1', author: '', comment: 'why' };
const LAYER = {
  descriptor: { mediaType: MEDIA_TYPES.ociLayerGzip, digest: digestOf('packed'), size: 6 },
  diffId: digestOf('plain'),
};
const NOTHING = { open: () => Promise.reject(new Error('nothing is read')) };

function baseOf(config: object, layerType: string) {
  const bytes = Buffer.from(JSON.stringify(config));
  const descriptor = { mediaType: MEDIA_TYPES.dockerConfig, digest: digestOf(bytes), size: bytes.length };
  const layers = [{ mediaType: layerType, digest: digestOf('below'), size: 5 }];
  const content = {
    open: () =>
      Promise.resolve({
        digest: descriptor.digest,
        size: bytes.length,

        async *chunks() {
          yield { offset: 0, bytes };
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
  const image = { target: descriptor, manifest: { config: descriptor, layers }, config: parseImageConfig(bytes) };
  return { content, image };
}

test('commit: a container without an image gives one of a single layer', async () => {
  const { config, manifest } = await documentsOf(NOTHING, undefined, LAYER, STEP, PLATFORM);
  const read = parseImageConfig(config.bytes);
  assert.deepEqual(read.platform, PLATFORM);
  assert.deepEqual(read.diffIds, [LAYER.diffId]);
  assert.deepEqual(
    read.history.map(({ createdBy, comment }) => [createdBy, comment]),
    [['ctr commit c1', 'why']],
  );
  const { layers } = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  assert.deepEqual(layers, [LAYER.descriptor]);
  assert.equal(manifest.labels['containerd.io/gc.ref.content.config'], config.descriptor.digest);
  assert.equal(manifest.labels['containerd.io/gc.ref.content.l.0'], LAYER.descriptor.digest);
});

test("commit: Docker's layers get OCI's names, a history as long as the layers, and unknown fields stay", async () => {
  const before = {
    ...{ architecture: 'amd64', os: 'linux', author: 'somebody', 'x-own': { deep: [1] } },
    config: { Env: ['A=b'], Healthcheck: { Test: ['NONE'] } },
    rootfs: { type: 'layers', diff_ids: [digestOf('below, plain')] },
    history: [{ created_by: 'ENV', empty_layer: true }],
  };
  const { content, image } = baseOf(before, MEDIA_TYPES.dockerLayerGzip);
  const { config, manifest } = await documentsOf(content, image, LAYER, STEP, PLATFORM);
  const written = JSON.parse(config.bytes.toString()) as typeof before;
  assert.deepEqual([written.config, written['x-own'], written.author], [before.config, before['x-own'], 'somebody']);
  const read = parseImageConfig(config.bytes);
  assert.equal(read.history.filter(({ emptyLayer }) => !emptyLayer).length, read.diffIds.length);
  const { layers } = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  assert.deepEqual(
    layers.map(({ mediaType }) => mediaType),
    [MEDIA_TYPES.ociLayerGzip, MEDIA_TYPES.ociLayerGzip],
  );
});
