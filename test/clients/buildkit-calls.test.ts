import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { digestOf } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';

const SNAPSHOTTER = 'overlayfs';
const TYPE = `snapshots/${SNAPSHOTTER}`;
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';

test('calls as BuildKit makes them: a lease a record, resources added by hand, a layer by Diff, an image that outlives them', async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const leases = channel.service('containerd.services.leases.v1.Leases');
  const snapshots = channel.service('containerd.services.snapshots.v1.Snapshots');
  const resourcesOf = async (id: string) =>
    (await leases.listResources({ id })).resources.map((each) => each.id).sort();
  const collect = async (): Promise<void> => {
    await leases.create({ id: 'collecting' });
    await leases.delete({ id: 'collecting', sync: true });
  };

  // A mutable record: its lease names the snapshot before it is there, and is no lease of the call that makes it.
  const labels = { 'containerd.io/gc.flat': new Date().toISOString() };
  await leases.create({ id: 'record', labels });
  await leases.addResource({ id: 'record', resource: { id: 'active', type: TYPE } });
  const { mounts } = await snapshots.prepare({ snapshotter: SNAPSHOTTER, key: 'active', parent: '' });
  await collect();
  await writeFile(join(mounts[0]?.source ?? '', 'built'), 'by a step\n');
  await leases.addResource({ id: 'record', resource: { id: 'committed', type: TYPE } });
  await snapshots.commit({ snapshotter: SNAPSHOTTER, name: 'committed', key: 'active' });
  await leases.deleteResource({ id: 'record', resource: { id: 'active', type: TYPE } });
  await collect();
  assert.deepEqual(await resourcesOf('record'), ['committed']);
  const usage = await snapshots.usage({ snapshotter: SNAPSHOTTER, key: 'committed' });
  assert.ok(Number(usage.inodes) >= 2);

  // The layer of it, made under a lease for the time.
  const temporary = { lease: 'temporary' };
  await leases.create({ id: 'temporary', labels: { 'buildkit/lease.temporary': new Date().toISOString() } });
  const right = await snapshots.view({ snapshotter: SNAPSHOTTER, key: 'view', parent: 'committed' }, temporary);
  const { diff } = await channel
    .service('containerd.services.diff.v1.Diff')
    .diff({ left: [], right: right.mounts, media_type: GZIP, ref: 'layer' }, temporary);
  assert.equal(diff?.media_type, GZIP);
  const content = channel.service('containerd.services.content.v1.Content');
  const { info } = await content.info({ digest: diff.digest });
  assert.match(info?.labels['containerd.io/uncompressed'] ?? '', /^sha256:/);
  await leases.addResource({ id: 'record', resource: { id: diff.digest, type: 'content' } });

  const manifest = Buffer.from('{"schemaVersion":2}');
  const digest = digestOf(manifest);
  const kept = { 'containerd.io/gc.ref.content.l.0': diff.digest };
  async function* requests() {
    const total = String(manifest.length);
    yield { action: 'WRITE' as const, ref: 'manifest', offset: '0', data: manifest, total, expected: digest };
    yield { action: 'COMMIT' as const, ref: 'manifest', offset: total, total, expected: digest, labels: kept };
  }
  for await (const _ of content.write(requests(), temporary)) continue;
  const images = channel.service('containerd.services.images.v1.Images');
  const target = { media_type: 'application/vnd.oci.image.manifest.v1+json', digest, size: String(manifest.length) };
  await images.create({ image: { name: 'example.test/built:latest', target } });
  await leases.delete({ id: 'temporary', sync: true });
  await assertRejectsWithKind(snapshots.stat({ snapshotter: SNAPSHOTTER, key: 'view' }), 'not-found');
  await snapshots.stat({ snapshotter: SNAPSHOTTER, key: 'committed' });

  await leases.delete({ id: 'record', sync: true });
  await assertRejectsWithKind(snapshots.stat({ snapshotter: SNAPSHOTTER, key: 'committed' }), 'not-found');
  await content.info({ digest: diff.digest });
  await images.delete({ name: 'example.test/built:latest', sync: true });
  await assertRejectsWithKind(content.info({ digest: diff.digest }), 'not-found');
  await assertNothingLeft(daemon.mine);
});

test('calls as nerdctl makes them: labels of a container by a field mask, and managed mounts that are not there', async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const containers = channel.service('containerd.services.containers.v1.Containers');
  const runtime = { name: 'io.containerd.runc.v2' };
  const spec = { type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{}') };
  await containers.create({
    container: { id: 'box', image: 'none', runtime, spec, labels: { 'nerdctl/name': 'box' } },
  });
  const policy = 'containerd.io/restart.policy';
  const { container } = await containers.update({
    container: { id: 'box', labels: { [policy]: 'always' } },
    update_mask: { paths: [`labels.${policy}`] },
  });
  assert.deepEqual(container?.labels, { 'nerdctl/name': 'box', [policy]: 'always' });
  const mounts = channel.service('containerd.services.mounts.v1.Mounts');
  await assertRejectsWithKind(mounts.activate({ name: 'box' }), 'unimplemented');
  await containers.delete({ id: 'box' });
});
