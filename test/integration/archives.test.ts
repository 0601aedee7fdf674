import assert from 'node:assert/strict';
import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { exportImages, importImages } from '../../src/client/archives.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { pullImage } from '../../src/client/pull.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { debianPackage } from '../support/debian-package.js';
import { openContainerd } from '../support/containerd.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeIndex, makeLayer, tarOf } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { output } from '../support/run.js';

interface Fixture extends AsyncDisposable {
  readonly registry: Registry;
  readonly daemon: TestDaemon;
  readonly session: Session;
}

async function open(): Promise<Fixture> {
  const registry = await openRegistry();
  const daemon = await openDaemon();
  const session = openSession({ address: daemon.address, namespace: daemon.namespace });
  return {
    ...{ registry, daemon, session },
    async [Symbol.asyncDispose]() {
      session.close();
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const imagesOf = async (session: Session): Promise<Record<string, string>> => {
  const { images } = await session.service('containerd.services.images.v1.Images').list({});
  return Object.fromEntries(images.map(({ name, target }) => [name, String(target?.digest)]));
};

const save = (session: Session, path: string, names: readonly string[], all = false): Promise<void> =>
  pipeline(exportImages(session, names, { allPlatforms: all }), createWriteStream(path));

test('archives: what is exported comes back by import, into another namespace, unpacked', async () => {
  await using f = await open();
  const name = await f.registry.push(await makeBusyboxImage(), 'busybox', '1');
  const { digest } = await pullImage(f.session, name);
  const path = join(f.daemon.dir, 'a.tar');
  await save(f.session, path, [name]);
  using other = openSession({ address: f.daemon.address, namespace: `${f.daemon.namespace}-b` });
  const events: string[] = [];
  const named = await importImages(other, createReadStream(path), { onProgress: ({ event }) => events.push(event) });
  assert.deepEqual(named, [name]);
  assert.deepEqual(await imagesOf(other), { [name]: digest });
  assert.equal(events[0], 'Importing');
  assert.equal(events.at(-1), 'Completed import');
  assert.ok(events.includes('extracted'), events.join());
  const snapshots = other.service('containerd.services.snapshots.v1.Snapshots').list({ snapshotter: 'overlayfs' });
  let count = 0;
  for await (const { info } of snapshots) count += info.length;
  assert.equal(count, 1);
  // The same images give the same bytes.
  const again = join(f.daemon.dir, 'b.tar');
  await save(other, again, [name]);
  await output('cmp', [path, again]);
});

test('archives: skopeo, umoci and containerd read what we export, and we read what skopeo writes', async () => {
  await using f = await open();
  await using containerd = await openContainerd();
  const busybox = await makeBusyboxImage();
  const other = makeImage({
    layers: [await makeLayer([{ path: 'f', data: 'x' }])],
    platform: { os: 'linux', architecture: 'riscv64' },
  });
  const name = await f.registry.push(makeIndex([other, busybox]), 'busybox', 'multi');
  await pullImage(f.session, name, { allPlatforms: true });
  const path = join(f.daemon.dir, 'all.tar');
  await save(f.session, path, [name], true);

  const layout = join(f.daemon.dir, 'layout');
  const skopeo = (...args: string[]): Promise<string> => output('skopeo', ['--insecure-policy', ...args]);
  await skopeo('copy', '-q', '--all', `oci-archive:${path}`, `oci:${layout}:it`);
  const inspected = JSON.parse(await skopeo('inspect', '--raw', `oci:${layout}:it`)) as { manifests: unknown[] };
  assert.equal(inspected.manifests.length, 2);
  const one = join(f.daemon.dir, 'one.tar');
  await save(f.session, one, [name]);
  await skopeo('copy', '-q', `docker-archive:${one}`, `oci:${layout}:one`);
  await output('umoci', ['unpack', '--image', `${layout}:one`, join(f.daemon.dir, 'bundle')]);
  await output('test', ['-x', join(f.daemon.dir, 'bundle/rootfs/bin/busybox')]);

  const ctr = ['--address', containerd.address, '--namespace', f.daemon.namespace];
  await output('ctr', [...ctr, 'images', 'import', '--all-platforms', path]);
  assert.match(await output('ctr', [...ctr, 'images', 'check']), /complete/);

  for (const kind of ['docker-archive', 'oci-archive']) {
    const written = join(f.daemon.dir, `${kind}.tar`);
    const tag = `example.com/from-skopeo:${kind}`;
    await skopeo('copy', '-q', `oci:${layout}:one`, `${kind}:${written}:${tag}`);
    const names = await importImages(f.session, createReadStream(written), { prefix: 'example.com/from-skopeo' });
    assert.deepEqual(names, [tag]);
  }
});

test('archives: podman reads what we export, and we read what it writes', async (t) => {
  const [podman, subid, conmon] = await Promise.all(['podman', 'libsubid4', 'conmon'].map(debianPackage));
  for (const each of [podman, subid, conmon]) {
    if (each === undefined || 'missing' in each) {
      t.skip(each?.missing ?? '');
      return;
    }
  }
  const rootOf = (each: typeof podman): string => (each && 'root' in each ? each.root : '');
  await using f = await open();
  const { dir } = f.daemon;
  const name = await f.registry.push(await makeBusyboxImage(), 'busybox', 'pod');
  await pullImage(f.session, name, {});
  const path = join(dir, 'ours.tar');
  await save(f.session, path, [name]);
  const engine = [
    `conmon_path = ["${rootOf(conmon)}/usr/bin/conmon"]`,
    'runtime = "runc"',
    'cgroup_manager = "cgroupfs"',
  ];
  await writeFile(join(dir, 'containers.conf'), ['[engine]', ...engine, 'events_logger = "none"', ''].join('\n'));
  const told = async (...args: readonly string[]): Promise<string> => {
    const store = ['--root', join(dir, 'store'), '--runroot', join(dir, 'run'), '--tmpdir', join(dir, 'tmp')];
    const all = [...store, '--storage-driver', 'vfs', ...args];
    return await output(`${rootOf(podman)}/usr/bin/podman`, all, {
      env: {
        ...process.env,
        CONTAINERS_CONF: join(dir, 'containers.conf'),
        LD_LIBRARY_PATH: `${rootOf(subid)}/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
      },
    });
  };
  assert.match(await told('load', '-q', '-i', path), new RegExp(name));
  assert.match(await told('images', '--format', '{{.Repository}}:{{.Tag}}'), new RegExp(name));
  for (const format of ['oci-archive', 'docker-archive']) {
    const written = join(dir, `${format}.tar`);
    await told('save', '-q', '--format', format, '-o', written, name);
    const other = openSession({ address: f.daemon.address, namespace: `${f.daemon.namespace}-${format}` });
    assert.deepEqual(await importImages(other, createReadStream(written)), [name]);
    other.close();
  }
});

test('archives: what docker save of old versions writes, links and gzip included', async () => {
  await using f = await open();
  const layer = await tarOf([{ path: 'saved', data: 'by docker' }]);
  const { diffId } = await makeLayer([{ path: 'saved', data: 'by docker' }], 'none');
  const config = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const document = { ...config, rootfs: { type: 'layers', diff_ids: [diffId, diffId] } };
  const tar = await tarOf([
    { path: 'l1/layer.tar', data: layer },
    { path: 'l2/layer.tar', type: 'symlink', target: '../l1/layer.tar' },
    { path: 'config.json', data: JSON.stringify(document) },
    {
      path: 'manifest.json',
      data: JSON.stringify([
        {
          Config: 'config.json',
          RepoTags: ['saved:1', 'example.com/x/saved:2'],
          Layers: ['l1/layer.tar', 'l2/layer.tar'],
        },
      ]),
    },
  ]);
  const expected = ['docker.io/library/saved:1', 'example.com/x/saved:2'];
  assert.deepEqual(await importImages(f.session, Readable.from([gzipSync(tar)])), expected);
  const images = await imagesOf(f.session);
  assert.deepEqual(Object.keys(images), expected);
  assert.equal(new Set(Object.values(images)).size, 1);
  const compressed = await importImages(f.session, Readable.from([tar]), { compress: true, unpack: false });
  assert.deepEqual(compressed, expected);
  assert.notEqual((await imagesOf(f.session))[expected[0] ?? ''], images[expected[0] ?? '']);
});

test('archives: what is none, or lies, is refused, and leaves nothing', async () => {
  await using f = await open();
  const layout = { path: 'oci-layout', data: JSON.stringify({ imageLayoutVersion: '1.0.0' }) };
  const entry = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 3,
  };
  const index = { path: 'index.json', data: JSON.stringify({ schemaVersion: 2, manifests: [entry] }) };
  const wrong: readonly (readonly [Buffer, string, RegExp])[] = [
    [
      Buffer.from('no tar at all, but long enough for a header'.repeat(20)),
      'invalid-argument',
      /can't be read as a tar/,
    ],
    [Buffer.alloc(0), 'invalid-argument', /neither oci-layout/],
    [await tarOf([{ path: 'x', data: 'y' }]), 'invalid-argument', /neither oci-layout/],
    [await tarOf([layout, index]), 'not-found', /sha256:0000/],
    [
      await tarOf([{ path: `blobs/sha256/${'0'.repeat(64)}`, data: 'lie' }, layout, index]),
      'failed-precondition',
      /digest/,
    ],
    [await tarOf([{ ...layout, data: '{"imageLayoutVersion":"2"}' }, index]), 'invalid-argument', /only 1\.0\.0/],
    [await tarOf([{ path: 'manifest.json', data: '{}' }]), 'invalid-argument', /no list/],
    [
      await tarOf([{ path: 'manifest.json', data: JSON.stringify([{ Config: '../../etc/passwd', Layers: [] }]) }]),
      'invalid-argument',
      /is not in it/,
    ],
    [
      await tarOf([
        { path: 'a', type: 'symlink', target: 'a' },
        { path: 'manifest.json', data: JSON.stringify([{ Config: 'a', Layers: [] }]) },
      ]),
      'invalid-argument',
      /is not in it/,
    ],
  ];
  for (const [bytes, kind, message] of wrong) {
    await assertRejectsWithKind(importImages(f.session, Readable.from([bytes])), kind as 'not-found', message);
  }
  await assertRejectsWithKind(exportImages(f.session, ['example.com/nothing:1']).next(), 'not-found', /nothing/);
  assert.deepEqual(await imagesOf(f.session), {});
  const { statuses } = await f.session.service('containerd.services.content.v1.Content').listStatuses({});
  assert.deepEqual(statuses, []);
});
