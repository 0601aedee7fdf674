import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isKind } from '../../src/base/errors.js';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { chainIds } from '../../src/spec/chain-id.js';
import { digestOf } from '../../src/spec/digest.js';
import { createKernel } from '../../src/sys/kernel.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { ClientPull, SNAPSHOTTER } from '../support/client-pull.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const NAME = 'docker.io/library/box:latest';
const ID = randomBytes(32).toString('hex');

function answered<T>(value: T | null | undefined): T {
  return value ?? assert.fail('an answer without it');
}

/** Read in moby's daemon/containerd: image_pull, image_snapshot, image_commit, image_delete and soft_delete. */
test("calls as dockerd's image store makes them: pull, tag anew, a container's layers, commit, restart, removal", async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const leases = channel.service('containerd.services.leases.v1.Leases');
  const images = channel.service('containerd.services.images.v1.Images');
  const content = channel.service('containerd.services.content.v1.Content');
  const snapshots = channel.service('containerd.services.snapshots.v1.Snapshots');
  const differ = channel.service('containerd.services.diff.v1.Diff');
  const snapshotter = SNAPSHOTTER;
  const mounts = createKernel().mounts;

  // docker pull: under a lease of a day, which is deleted without waiting.
  const layer = await makeLayer([{ path: 'base', data: 'of the image' }], 'gzip');
  const image = makeImage({ layers: [layer] });
  const expiry = { 'containerd.io/gc.expire': new Date(Date.now() + 86_400_000).toISOString() };
  await leases.create({ id: 'pull', labels: expiry });
  const pull = new ClientPull(channel, 'pull', image);
  await pull.content();
  const { digest, size, mediaType } = image.target;
  const target = { media_type: mediaType, digest, size: String(size) };
  const put = async (name: string): Promise<void> => {
    // An update first; only what is not there is created.
    await images.update({ image: { name, target } }).catch(async (error: unknown) => {
      if (!isKind(error, 'not-found')) throw error;
      await images.create({ image: { name, target } });
    });
  };
  await put(NAME);
  await pull.unpack([{ digest: digestOf(layer.bytes), size: layer.bytes.length, diffId: layer.diffId }]);
  const chain = String(chainIds([layer.diffId])[0]);
  const infoOf = async (key: string) => answered((await snapshots.stat({ snapshotter, key })).info);
  const config = [...image.blobs.keys()].find((each) => each !== digestOf(layer.bytes));
  await content.update({
    info: { digest: answered(config), labels: { [`containerd.io/gc.ref.snapshot.${snapshotter}`]: chain } },
    update_mask: { paths: [`labels.containerd.io/gc.ref.snapshot.${snapshotter}`] },
  });
  await leases.delete({ id: 'pull', sync: true });
  assert.equal((await infoOf(chain)).kind, 'COMMITTED');

  // Another image takes the name: this one stays, dangling.
  const dangling = `moby-dangling@${digest}`;
  await put(dangling);
  await images.delete({ name: NAME });
  await assertRejectsWithKind(images.delete({ name: NAME }), 'not-found');
  assert.deepEqual(
    (await images.list({ filters: [`target.digest==${digest}`] })).images.map(({ name }) => name),
    [dangling],
  );
  await put(NAME);

  // docker create: a lease named like the container, a layer for what dockerd puts into every container, and one above it.
  await leases.create({ id: ID });
  await assertRejectsWithKind(leases.create({ id: ID }), 'already-exists');
  const scope = { lease: ID };
  const init = await snapshots.prepare({ snapshotter, key: `${ID}-init-key`, parent: chain }, scope);
  const at = join(daemon.dir, 'mounted');
  await mkdir(at);
  const inMounts = async (wire: typeof init.mounts, work: () => Promise<void>): Promise<void> => {
    await using _ = await mounts.mountAll(
      wire.map(({ type, source, options }) => ({ type, source, options })),
      at,
    );
    await work();
  };
  await inMounts(init.mounts, () => writeFile(join(at, '.dockerenv'), ''));
  await snapshots.commit({ snapshotter, name: `${ID}-init`, key: `${ID}-init-key` }, scope);
  await snapshots.prepare({ snapshotter, key: ID, parent: `${ID}-init` }, scope);

  // The daemon below is restarted; dockerd looks its layers up again.
  await daemon.kill();
  await daemon.start();
  assert.equal((await infoOf(ID)).parent, `${ID}-init`);
  assert.deepEqual(
    (await leases.list({ filters: [`id==${ID}`] })).leases.map(({ id }) => id),
    [ID],
  );
  const { mounts: own } = await snapshots.mounts({ snapshotter, key: ID });
  await inMounts(own, async () => {
    assert.equal(await readFile(join(at, 'base'), 'utf8'), 'of the image');
    await writeFile(join(at, 'written'), 'by the container');
  });
  const usages = [];
  for (let key = ID; key !== ''; key = (await infoOf(key)).parent) {
    usages.push(Number((await snapshots.usage({ snapshotter, key })).size));
  }
  assert.equal(usages.length, 3);

  // docker commit: the difference to the layer for every container, applied to the image's layers.
  await leases.create({ id: 'commit', labels: expiry });
  const temporary = { lease: 'commit' };
  const lower = await snapshots.view({ snapshotter, key: `${ID}-init-view`, parent: `${ID}-init` }, temporary);
  const { diff } = await differ.diff({ left: lower.mounts, right: own, media_type: GZIP }, temporary);
  await snapshots.remove({ snapshotter, key: `${ID}-init-view` }, temporary);
  const made = answered(diff).digest;
  const info = answered((await content.info({ digest: made })).info);
  const diffId = answered(info.labels['containerd.io/uncompressed']);
  const committed = String(chainIds([layer.diffId, diffId as typeof layer.diffId])[1]);
  const above = await snapshots.prepare({ snapshotter, key: `apply ${committed}`, parent: chain }, temporary);
  const told = await differ.apply({
    diff: { media_type: GZIP, digest: made, size: info.size },
    mounts: above.mounts,
  });
  assert.equal(answered(told.applied).digest, diffId);
  await snapshots.commit({ snapshotter, name: committed, key: `apply ${committed}` }, temporary);
  const view = await snapshots.view({ snapshotter, key: 'look', parent: committed }, temporary);
  await inMounts(view.mounts, async () => {
    assert.equal(await readFile(join(at, 'written'), 'utf8'), 'by the container');
    await assert.rejects(readFile(join(at, '.dockerenv')), /ENOENT/);
  });
  await leases.delete({ id: 'commit', sync: true });
  await assertRejectsWithKind(snapshots.stat({ snapshotter, key: committed }), 'not-found');

  // docker rm, docker rmi.
  await leases.delete({ id: ID, sync: true });
  for (const key of [ID, `${ID}-init`]) await assertRejectsWithKind(snapshots.stat({ snapshotter, key }), 'not-found');
  await images.delete({ name: dangling });
  await snapshots.stat({ snapshotter, key: chain });
  await images.delete({ name: NAME, sync: true });
  await assertRejectsWithKind(snapshots.stat({ snapshotter, key: chain }), 'not-found');
  await assertRejectsWithKind(content.info({ digest }), 'not-found');
  await assertNothingLeft(daemon.mine);
});
