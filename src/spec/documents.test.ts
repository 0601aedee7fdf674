import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { digestOf } from './digest.js';
import { mediaTypeInDocument } from './document.js';
import { parseImageConfig } from './image-config.js';
import { parseIndex } from './index-document.js';
import { parseManifest } from './manifest.js';
import { MEDIA_TYPES } from './media-types.js';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const descriptor = (mediaType: string, content = 'x') => ({
  mediaType,
  digest: digestOf(content),
  size: content.length,
});
const config = descriptor(MEDIA_TYPES.ociConfig);
const layer = descriptor(MEDIA_TYPES.ociLayerGzip);

test('a manifest, with and without its own media type', () => {
  const manifest = { schemaVersion: 2, config, layers: [layer], annotations: { a: 'b' } };
  const read = parseManifest(json(manifest), MEDIA_TYPES.ociManifest);
  assert.deepEqual(read.config, config);
  assert.deepEqual(read.layers, [layer]);
  assert.deepEqual({ ...read.annotations }, { a: 'b' });
  parseManifest(json({ ...manifest, mediaType: MEDIA_TYPES.ociManifest }), `${MEDIA_TYPES.ociManifest}; charset=utf-8`);
  assert.equal(mediaTypeInDocument(json(manifest), 'm'), MEDIA_TYPES.ociManifest);
  assert.equal(mediaTypeInDocument(json({ manifests: [] }), 'm'), MEDIA_TYPES.ociIndex);
  assert.equal(mediaTypeInDocument(json({}), 'm'), undefined);
});

test('an index with platforms', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1', 'os.features': ['f'] };
  const entry = { ...descriptor(MEDIA_TYPES.ociManifest), platform, urls: ['http://u'], artifactType: 'a/b' };
  const { manifests } = parseIndex(json({ schemaVersion: 2, manifests: [entry] }), MEDIA_TYPES.ociIndex);
  assert.deepEqual(manifests, [
    {
      ...descriptor(MEDIA_TYPES.ociManifest),
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', osVersion: '1', osFeatures: ['f'] },
      urls: ['http://u'],
      artifactType: 'a/b',
    },
  ]);
});

test('descriptors of a wrong form are refused, by the name of their field', () => {
  const withLayer = (fields: object) => json({ schemaVersion: 2, config, layers: [{ ...layer, ...fields }] });
  for (const [fields, message] of [
    [{ digest: 'sha256:../../etc' }, /layers\[0\] has the digest "sha256:\.\.\/\.\.\/etc", which is none/],
    [{ digest: undefined }, /has no digest/],
    [{ size: -1 }, /size/],
    [{ size: 1.5 }, /size/],
    [{ size: '1' }, /size/],
    [{ size: undefined }, /size/],
    [{ mediaType: 3 }, /mediaType that is no text/],
    [{ annotations: { a: 1 } }, /annotations/],
    [{ urls: 'x' }, /urls/],
  ] as const) {
    assertThrowsWithKind(() => parseManifest(withLayer(fields), MEDIA_TYPES.ociManifest), 'invalid-argument', message);
  }
});

test('an image config', () => {
  const diffId = digestOf('layer');
  const read = parseImageConfig(
    json({
      os: 'linux',
      architecture: 'amd64',
      config: {
        Env: ['A=b'],
        Cmd: null,
        Entrypoint: ['/x'],
        User: 'u',
        ExposedPorts: { '80/tcp': {} },
        Volumes: { '/v': {} },
        Labels: null,
      },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'step' }, { empty_layer: true }],
    }),
  );
  assert.deepEqual(read.platform, { os: 'linux', architecture: 'amd64' });
  assert.deepEqual(read.diffIds, [diffId]);
  assert.deepEqual(read.process, {
    user: 'u',
    env: ['A=b'],
    entrypoint: ['/x'],
    cmd: [],
    workingDir: '',
    stopSignal: '',
    exposedPorts: ['80/tcp'],
    volumes: ['/v'],
    labels: {},
  });
  assert.deepEqual(
    read.history.map(({ emptyLayer }) => emptyLayer),
    [false, true],
  );
  for (const [document, message] of [
    [{}, /no rootfs/],
    [{ rootfs: { diff_ids: ['x'] } }, /digest/],
    [{ rootfs: { type: 'other', diff_ids: [] } }, /type/],
    [{ rootfs: { diff_ids: [] }, config: { Env: [1] } }, /Env/],
    [[], /no JSON object/],
  ] as const) {
    assertThrowsWithKind(() => parseImageConfig(json(document)), 'invalid-argument', message);
  }
});
