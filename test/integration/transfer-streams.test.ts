import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openByteStream } from '../../src/client/byte-stream.js';
import { pullImage } from '../../src/client/pull.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { sessionOf } from '../support/whole-stores.js';

test('transfer from a stream to a stream: every byte comes back, however unevenly it is sent', async () => {
  await using daemon = await openDaemon();
  using session = sessionOf(daemon);
  const pieces = [0, 1, 32_768, 32_769, 65_536, 200_001, 5_000_000].map((size) => randomBytes(size));
  const [from, to] = [await openByteStream(session), await openByteStream(session)];
  const pack = session.messages;
  const transfer = session.service('containerd.services.transfer.v1.Transfer').transfer({
    source: pack.pack('containerd.types.transfer.ImageImportStream', { stream: from.id }),
    destination: pack.pack('containerd.types.transfer.ImageExportStream', { stream: to.id }),
  });
  const received = (async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of to.receive()) chunks.push(chunk);
    return Buffer.concat(chunks);
  })();
  await from.send(
    (async function* () {
      yield* pieces;
    })(),
  );
  await transfer;
  assert.ok(Buffer.concat(pieces).equals(await received));
});

test('transfer from the image store to itself gives another name, and labels with it', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  using session = sessionOf(daemon);
  const name = await registry.push(makeImage({ layers: [await makeLayer([{ path: 'f', data: 'x' }])] }), 'tagged');
  await pullImage(session, name, {});
  const pack = session.messages;
  await session.service('containerd.services.transfer.v1.Transfer').transfer({
    source: pack.pack('containerd.types.transfer.ImageStore', { name }),
    destination: pack.pack('containerd.types.transfer.ImageStore', { name: 'example.com/t:2', labels: { a: 'b' } }),
  });
  const images = session.service('containerd.services.images.v1.Images');
  const [before, after] = [await images.get({ name }), await images.get({ name: 'example.com/t:2' })];
  assert.deepEqual(after.image?.target, before.image?.target);
  assert.equal(after.image?.labels.a, 'b');
});
