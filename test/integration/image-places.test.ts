import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { collectGarbage } from '../../src/client/index.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeIndex, makeLayer } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { output } from '../support/run.js';
import { keptBy, sessionOf } from '../support/whole-stores.js';

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;
let busybox: string;

before(async () => {
  registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  busybox = await registry.push(await makeBusyboxImage(), 'busybox', '1');
});

after(() => down.run());

async function ok(program: typeof dist, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await runCommand(dist, daemon, args);
  assert.equal(code, 1, stderr);
  return stderr;
}

const skopeo = (...args: readonly string[]): Promise<string> => output('skopeo', ['--insecure-policy', ...args]);
const at = (...names: readonly string[]): string => join(daemon.dir, ...names);
const fromRegistry = (name: string): string[] => ['--src-tls-verify=false', `docker://${name}`];

async function removeAll(): Promise<void> {
  using session = sessionOf(daemon);
  const names = (await ok(dist, 'images', '-q')).split('\n').filter(Boolean);
  if (names.length > 0) await ok(dist, 'rmi', ...names);
  await collectGarbage(session);
  assert.deepEqual(await keptBy(session), { images: [], digests: [], snapshots: [] });
}

test('what skopeo has written is pulled from where it lies, and runs: a layout, and both kinds of archives', async () => {
  await skopeo('copy', '-q', ...fromRegistry(busybox), `oci:${at('layout')}:v1`);
  await skopeo('copy', '-q', ...fromRegistry(busybox), `oci-archive:${at('oci.tar')}:v1`);
  await skopeo('copy', '-q', ...fromRegistry(busybox), `docker-archive:${at('docker.tar')}:some/box:v1`);
  for (const [number, name] of [
    `oci:${at('layout')}:v1`,
    `oci-archive:${at('oci.tar')}:v1`,
    `docker-archive:${at('docker.tar')}:docker.io/some/box:v1`,
  ].entries()) {
    await ok(dist, 'pull', name);
    assert.equal(await ok(ctr, 'run', '--rm', '--id', `n${number}`, name, 'echo', 'here'), 'here\n');
    const described = JSON.parse(await ok(dist, 'inspect', name)) as { digest: string };
    await ok(dist, 'pull', name.replace(/:[^:/]*$/, `@${described.digest}`).replace(':docker.io/some/box', ''));
    await removeAll();
  }
});

test('a push makes a layout that skopeo and umoci read; other tags stay, and many may push at once', async () => {
  const other = makeImage({
    layers: [await makeLayer([{ path: 'f', data: 'x' }])],
    platform: { os: 'linux', architecture: 'riscv64' },
  });
  const both = await registry.push(makeIndex([other, await makeBusyboxImage()]), 'both', '1');
  await ok(dist, 'pull', '--all-platforms', both);
  await ok(dist, 'pull', busybox);
  const layout = at('pushed');
  await Promise.all(['a', 'b', 'c', 'd'].map((tag) => ok(dist, 'push', busybox, `oci:${layout}:${tag}`)));
  await ok(dist, 'push', '--all-platforms', both, `oci:${layout}:all`);
  await ok(dist, 'push', both, `oci:${layout}:d`);
  const raw = JSON.parse(await skopeo('inspect', '--raw', `oci:${layout}:all`)) as { manifests: unknown[] };
  assert.equal(raw.manifests.length, 2);
  for (const tag of ['a', 'b', 'c', 'd']) {
    await output('umoci', ['unpack', '--image', `${layout}:${tag}`, at(`bundle-${tag}`)]);
    await output('test', ['-x', at(`bundle-${tag}`, 'rootfs/bin/busybox')]);
  }
  await skopeo('copy', '-q', `oci:${layout}:a`, `oci:${layout}:from-skopeo`);
  assert.deepEqual((await readdir(join(layout, 'blobs'))).sort(), ['sha256']);
  await removeAll();
  await ok(dist, 'pull', '--all-platforms', `oci:${layout}:all`);
  await ok(dist, 'pull', `oci:${layout}:from-skopeo`);
  await removeAll();
});

test('what is pulled from a layout is repaired from there', async () => {
  await skopeo('copy', '-q', ...fromRegistry(busybox), `oci:${at('source')}:v1`);
  const name = `oci:${at('source')}:v1`;
  await ok(dist, 'pull', name);
  const blobs = join(daemon.root, 'content/blobs/sha256');
  const [hex = ''] = await readdir(blobs);
  await rm(join(blobs, hex));
  assert.equal((await runCommand(dist, daemon, ['fsck'])).code, 1);
  await ok(dist, 'fsck', '--repair');
  await ok(dist, 'fsck');
  await removeAll();
});

test('places that are none, broken, or a trap are refused by their names, and leave nothing', async () => {
  const layout = at('hostile');
  const blobs = join(layout, 'blobs/sha256');
  const fresh = async (): Promise<void> => {
    await rm(layout, { recursive: true, force: true });
    await skopeo('copy', '-q', ...fromRegistry(busybox), `oci:${layout}:v1`);
  };
  const name = `oci:${layout}:v1`;
  const largest = async (): Promise<string> => {
    const sizes = await Promise.all(
      (await readdir(blobs)).map(async (hex) => ({ hex, bytes: await readFile(join(blobs, hex)) })),
    );
    return join(blobs, sizes.sort((a, b) => b.bytes.length - a.bytes.length)[0]?.hex ?? '');
  };
  await fresh();
  assert.match(await refused('pull', `oci:${layout}:v2`), /not found; there are: v1/);
  assert.match(await refused('pull', 'oci:relative:v1'), /needs an absolute path/);
  assert.match(await refused('pull', `oci:${at('nothing')}:v1`), /no OCI layout/);
  assert.match(await refused('pull', `oci:${layout}`), /object required/);

  const bytes = await readFile(await largest());
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(await largest(), bytes);
  assert.match(await refused('pull', name), /other bytes|digest/);
  await fresh();
  await truncate(await largest(), 1000);
  assert.match(await refused('pull', name), /has 1000 bytes there/);
  await fresh();
  const blob = await largest();
  await rm(blob);
  await output('mkfifo', [blob]);
  assert.match(await refused('pull', name), /no regular file/);
  await rm(blob);
  assert.match(await refused('pull', name), /not found/);
  await fresh();
  await rm(join(layout, 'index.json'));
  await symlink('/etc/passwd', join(layout, 'index.json'));
  assert.match(await refused('pull', name), /index.json can't be opened/);
  await rm(join(layout, 'index.json'));
  await output('mkfifo', [join(layout, 'index.json')]);
  assert.match(await refused('pull', name), /no regular file/);
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
  assert.match(await refused('pull', name), /version "2.0.0"/);

  await skopeo('copy', '-q', ...fromRegistry(busybox), `oci-archive:${at('cut.tar')}:v1`);
  await truncate(at('cut.tar'), 100_000);
  assert.match(await refused('pull', `oci-archive:${at('cut.tar')}:v1`), /ends/);
  await writeFile(at('none.tar'), 'no archive at all'.repeat(100));
  assert.match(await refused('pull', `oci-archive:${at('none.tar')}:v1`), /is no tar archive/);
  await output('gzip', ['-k', at('none.tar')]);
  assert.match(await refused('pull', `docker-archive:${at('none.tar.gz')}:v1`), /no tar archive/);

  await ok(dist, 'pull', busybox);
  assert.match(
    await refused('push', busybox, `oci-archive:${at('x.tar')}:v1`),
    /nothing can be pushed into an archive/,
  );
  await mkdir(at('full'));
  await writeFile(at('full/file'), '');
  assert.match(await refused('push', busybox, `oci:${at('full')}:v1`), /no OCI layout, and not empty/);
  assert.deepEqual(await readdir(at('full')), ['file']);
  await removeAll();
});
