import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Teardown } from '../../../src/base/teardown.js';
import { Channel } from '../../../src/rpc/channel.js';
import { wholeSchema } from '../../../src/rpc/whole.js';
import { chainIdOf } from '../../../src/spec/chain-id.js';
import type { Digest } from '../../../src/spec/digest.js';
import { makeBusyboxImage } from '../../support/busybox-image.js';
import { TELLING_CALLS } from '../../support/called-methods.js';
import { openContainerd } from '../../support/containerd.js';
import { openDaemon, type TestDaemon } from '../../support/daemon.js';
import { HOST_PLATFORM, type Image, makeImage, makeIndex, makeLayer, tarOf } from '../../support/image.js';
import { assertNothingLeft, killProcesses, type Mine } from '../../support/leftovers.js';
import { unmountBelow } from '../../support/mount-table.js';
import { openRegistry } from '../../support/registry.js';

/** One of the two daemons, and what a scenario's `{names}` stand for there. */
export interface Side {
  readonly address: string;
  readonly namespace: string;
  readonly dir: string;
  /** What lasts until a reboot. */
  readonly state: string;
  readonly channel: Channel;
  readonly words: Readonly<Record<string, string>>;
}

/** Our daemon and Debian's containerd, and a registry for both. */
export interface World extends AsyncDisposable {
  readonly ours: Side;
  readonly theirs: Side;
  /** Ours. */
  readonly daemon: TestDaemon;
  /** @throws AssertionError: our daemon has left something. */
  assertNothingLeft(): Promise<void>;
}

const sha256 = (text: string | Uint8Array): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

export function openWorld(): Promise<World> {
  return Teardown.build(async (down) => {
    const registry = down.own(await openRegistry());
    const daemon = down.own(await openDaemon({ config: TELLING_CALLS }));
    const peer = down.own(await openContainerd());
    const busybox = await makeBusyboxImage();
    const riscv = makeImage({
      layers: [await makeLayer([{ path: 'f', data: 'riscv' }])],
      platform: { os: 'linux', architecture: 'riscv64' },
    });
    const words = {
      registry: registry.host,
      busybox: await registry.push(busybox, 'busybox', '1'),
      docker: await registry.push(await makeBusyboxImage({ format: 'docker' }), 'busybox', 'docker'),
      multi: await registry.push(makeIndex([riscv, busybox]), 'busybox', 'multi'),
      riscv: await registry.push(makeIndex([riscv]), 'busybox', 'riscv'),
      ...digestsOf(busybox),
      arch: HOST_PLATFORM.architecture,
      absent: sha256('nowhere'),
      hello: sha256('hello'),
      six: sha256('hello\n'),
    };
    const saved = await dockerSaved();
    const sideOf = async (side: string, { address, state }: Pick<Side, 'address' | 'state'>): Promise<Side> => {
      const namespace = `t${randomBytes(6).toString('hex')}`;
      const dir = join(daemon.dir, `side-${side}`);
      await mkdir(dir);
      await writeFile(join(dir, 'saved.tar'), saved);
      await writeFile(join(dir, 'editor'), '#!/bin/sh\necho edited >> "$1"\n', { mode: 0o755 });
      const channel = down.own(new Channel({ address, schema: wholeSchema, namespace }));
      return { address, namespace, dir, state, channel, words: { ...words, side, dir, editor: join(dir, 'editor') } };
    };
    const ours = await sideOf('ours', daemon);
    const theirs = await sideOf('theirs', peer);
    const mineOf = (side: Side): Mine => ({ dirs: [side.dir], cgroupNames: [side.namespace] });
    for (const side of [ours, theirs]) {
      down.add(async () => {
        await killProcesses(mineOf(side));
        await unmountBelow(side.dir);
        for (const root of ['/run/containerd/runc', '/sys/fs/cgroup']) {
          await rmdir(join(root, side.namespace)).catch(() => undefined);
        }
      });
    }
    // Where `ctr install` puts programs that no `--path` is given for.
    down.add(() => rm('/opt/containerd', { recursive: true, force: true }));
    return {
      ours,
      theirs,
      daemon,
      assertNothingLeft: () => assertNothingLeft({ ...daemon.mine, cgroupNames: [daemon.namespace, ours.namespace] }),
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

function digestsOf(image: Image): Record<string, string> {
  const [manifest] = image.manifests;
  const document = JSON.parse(String(manifest?.bytes)) as { config: { digest: string } };
  const config = JSON.parse(String(image.blobs.get(document.config.digest as Digest))) as {
    rootfs: { diff_ids: Digest[] };
  };
  return {
    manifest: image.target.digest,
    config: document.config.digest,
    chain: String(chainIdOf(config.rootfs.diff_ids)),
  };
}

/** An archive as `docker save` of versions before 25 writes it. */
async function dockerSaved(): Promise<Buffer> {
  const layer = await tarOf([{ path: 'saved', data: 'by docker' }]);
  const config = Buffer.from(
    JSON.stringify({
      ...HOST_PLATFORM,
      created: '2001-09-09T01:46:40Z',
      config: { Cmd: ['/saved'] },
      rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
    }),
  );
  const name = `${sha256(config).slice('sha256:'.length)}.json`;
  return tarOf([
    { path: 'l1', type: 'directory' },
    { path: 'l1/VERSION', data: '1.0' },
    { path: 'l1/layer.tar', data: layer },
    { path: name, data: config },
    {
      path: 'manifest.json',
      data: JSON.stringify([{ Config: name, RepoTags: ['saved:1', 'example.com/saved:2'], Layers: ['l1/layer.tar'] }]),
    },
  ]);
}
