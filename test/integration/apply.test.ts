import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from '../../src/client/open-session.js';
import { ingestContent } from '../../src/client/content.js';
import { dist } from '../../src/cli/dist/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { layerOf, tarOf, type Packing } from '../support/image.js';
import { inventory } from '../support/tree.js';

test('layers from stdin, and layers onto mounts', async (t) => {
  await using daemon = await openDaemon();
  const apply = (dir: string, stdin: Uint8Array) => runCommand(dist, daemon, ['apply', dir], { stdin });

  await t.test('dist apply takes every packing, and whiteouts remove what is there', async () => {
    for (const packing of ['none', 'gzip', 'zstd'] satisfies Packing[]) {
      const dir = join(daemon.dir, packing);
      await mkdir(join(dir, 'old/deep'), { recursive: true });
      await writeFile(join(dir, 'old/deep/file'), 'gone');
      await writeFile(join(dir, 'kept'), 'kept');
      await symlink('/etc', join(dir, 'escape'));
      const tar = await tarOf([
        { path: '.wh.old' },
        { path: 'old', type: 'directory', mode: 0o700 },
        { path: 'old/new', data: 'new', mode: 0o640, uid: 4 },
        { path: 'escape/inside', data: 'inside' },
      ]);
      const { code, stdout, stderr } = await apply(dir, layerOf(tar, packing).bytes);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, `${digestOf(tar)}\n`);
      const tree = await inventory(dir);
      assert.deepEqual(Object.keys(tree), ['.', 'escape', 'etc', 'etc/inside', 'kept', 'old', 'old/new']);
      assert.equal(tree['old/new']?.owner, '4:0');
    }
  });

  await t.test('its errors name the thing', async () => {
    const missing = await apply(join(daemon.dir, 'nowhere'), await tarOf([{ path: 'a' }]));
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /^dist: directory \S+nowhere does not exist/);
    await mkdir(join(daemon.dir, 'rubbish'));
    const rubbish = await apply(join(daemon.dir, 'rubbish'), Buffer.alloc(5000, 'rubbish '));
    assert.notEqual(rubbish.code, 0);
    assert.match(rubbish.stderr, /^dist: not a tar archive/);
    assert.deepEqual(await readdir(join(daemon.dir, 'rubbish')), []);
    assert.deepEqual(await readdir(join(daemon.root, 'apply')), []);
  });

  await t.test('Diff.Apply and Snapshots.Commit make what a client-side unpacker makes', async () => {
    const session = openSession({ address: daemon.address, namespace: daemon.namespace });
    try {
      const snapshots = session.service('containerd.services.snapshots.v1.Snapshots');
      const lower = await tarOf([
        { path: 'dir', type: 'directory', mode: 0o750 },
        { path: 'dir/a', data: 'a' },
        { path: 'b', data: 'b' },
      ]);
      const upper = await tarOf([{ path: '.wh.b' }, { path: 'dir/linked', type: 'link', target: 'dir/a' }]);
      let parent = '';
      for (const [name, tar] of Object.entries({ lower, upper })) {
        const { bytes } = layerOf(tar, 'gzip');
        const digest = await ingestContent(session, { ref: name }, one(bytes));
        const { mounts } = await snapshots.prepare({ snapshotter: 'overlayfs', key: `${name}-active`, parent });
        const diff = { media_type: MEDIA_TYPES.ociLayerGzip, digest, size: String(bytes.length) };
        const { applied } = await session
          .service('containerd.services.diff.v1.Diff')
          .apply({ diff, mounts, sync_fs: true });
        assert.equal(applied?.digest, digestOf(tar));
        assert.equal(applied.size, String(tar.length));
        assert.equal(applied.media_type, MEDIA_TYPES.ociLayer);
        await snapshots.commit({ snapshotter: 'overlayfs', name, key: `${name}-active` });
        parent = name;
      }
      const { mounts } = await snapshots.view({ snapshotter: 'overlayfs', key: 'view', parent });
      assert.equal(mounts[0]?.type, 'overlay');
      const upperFiles =
        mounts[0].options
          .find((option) => option.startsWith('lowerdir='))
          ?.slice(9)
          .split(':')[0] ?? '';
      const tree = await inventory(upperFiles);
      assert.equal(tree['b']?.device, '0:0');
      assert.equal(tree['dir']?.mode, '0o40750');
      assert.equal(await readFile(join(upperFiles, 'dir/linked'), 'utf8'), 'a');
    } finally {
      session.close();
    }
  });
});

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
