import assert from 'node:assert/strict';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { ingestContent } from '../../src/client/index.js';
import { runCommand } from './cli.js';
import type { TestDaemon } from './daemon.js';
import type { Image } from './image.js';
import { keptBy, sessionOf, type Kept } from './whole-stores.js';

/** A daemon, and an image that it can pull. */
export interface World {
  readonly daemon: TestDaemon;
  readonly image: Image;
  /** The image's reference. */
  readonly name: string;
}

/** Something in the course of which a daemon may die, to be tried again afterwards. */
export interface Operation {
  /** Leads to where it can begin, from wherever another operation has ended. */
  readonly before: (world: World) => Promise<void>;
  readonly run: (world: World) => Promise<void>;
  /** What may be there after a death and a collection; the last one is there when it was run to its end. */
  readonly states: (world: World) => readonly Partial<Kept>[];
}

const MADE = 'example.org/made:1';

async function told(daemon: TestDaemon, program: 'ctr' | 'dist', ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program === 'ctr' ? ctr : dist, daemon, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Content that nobody keeps. */
async function ingestGarbage(daemon: TestDaemon, text: string): Promise<void> {
  using session = sessionOf(daemon);
  await ingestContent(session, { ref: text }, bytesOf(text));
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

async function removeIfThere(daemon: TestDaemon, name: string): Promise<void> {
  const { code, stderr } = await runCommand(dist, daemon, ['rmi', '--sync', name]);
  assert.ok(code === 0 || stderr.includes('not found'), stderr);
}

async function removeAll({ daemon, name }: World): Promise<void> {
  const deleted = await runCommand(ctr, daemon, ['delete', '--force', 'box']);
  assert.ok(deleted.code === 0 || deleted.stderr.includes('not found'), deleted.stderr);
  for (const each of [name, MADE]) await removeIfThere(daemon, each);
  using session = sessionOf(daemon);
  const { digests, snapshots } = await keptBy(session);
  if (digests.length > 0) await told(daemon, 'dist', 'delete', ...digests);
  for (const key of snapshots) await runCommand(dist, daemon, ['rootfs', 'rm', '--sync', key]);
  assert.deepEqual(await keptBy(session), { images: [], digests: [], snapshots: [] });
}

/** Of the operations that the daemon's promise of "all or nothing" is about. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  pull: {
    before: removeAll,
    async run({ daemon, name }) {
      await told(daemon, 'dist', 'pull', name);
    },
    states: ({ name }) => [{ images: [] }, { images: [name] }],
  },
  unpack: {
    async before(world) {
      await removeAll(world);
      await told(world.daemon, 'dist', 'fetch', world.name);
    },
    async run({ daemon, image }) {
      await told(daemon, 'dist', 'rootfs', 'unpack', image.target.digest);
    },
    states: () => [{ images: [] }],
  },
  'commit of content': {
    before: removeAll,
    async run({ daemon }) {
      await ingestGarbage(daemon, 'bytes of a blob');
    },
    states: () => [{ images: [], digests: [] }],
  },
  'commit of a container': {
    async before(world) {
      await removeAll(world);
      await told(world.daemon, 'dist', 'pull', world.name);
      await told(world.daemon, 'ctr', 'run', '--keep', world.name, 'box', 'sh', '-c', 'echo x > /x; rm /bin/head');
    },
    async run({ daemon }) {
      await told(daemon, 'ctr', 'commit', 'box', MADE);
    },
    states: ({ name }) => [{ images: [name] }, { images: [name, MADE] }],
  },
  'removal of an image': {
    async before(world) {
      await removeAll(world);
      await told(world.daemon, 'dist', 'pull', world.name);
    },
    run: ({ daemon, name }) => removeIfThere(daemon, name),
    states: ({ name }) => [{ images: [name] }, { images: [], snapshots: [], digests: [] }],
  },
  'collection of garbage': {
    async before(world) {
      await removeAll(world);
      await told(world.daemon, 'dist', 'pull', world.name);
      await ingestGarbage(world.daemon, 'garbage');
      using session = sessionOf(world.daemon);
      await session
        .service('containerd.services.snapshots.v1.Snapshots')
        .prepare({ snapshotter: 'overlayfs', key: 'garbage' });
    },
    async run({ daemon }) {
      await told(daemon, 'dist', 'gc');
    },
    states: ({ name }) => [{ images: [name] }],
  },
};
