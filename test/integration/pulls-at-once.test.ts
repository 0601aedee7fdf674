import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { makeImage, makeLayer } from '../support/image.js';

const PULLS = 20;
const LAYERS = 6;

/** Names of all that comes into a folder, gone again or not, as the kernel tells it. */
function comingInto(folder: string): Disposable & { names: () => Promise<Set<string>> } {
  const seen = new Set<string>();
  const watcher = watch(folder, (_, name) => seen.add(name ?? ''));
  const last = 'the-last-one';
  return {
    async names() {
      await mkdir(join(folder, last));
      await eventually(() => assert.ok(seen.has(last)));
      await rmdir(join(folder, last));
      return new Set([...seen].filter((name) => name !== last));
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}

test('20 pulls of one image at once: each blob is requested once, each layer applied once', async () => {
  await using registry = await openFaultRegistry('127.0.0.1', { link: { total: 10_000_000 } });
  await using daemon = await openDaemon();
  const layers = await Promise.all(
    Array.from({ length: LAYERS }, (_, at) => makeLayer([{ path: `f${at}`, data: randomBytes(500_000) }])),
  );
  const image = makeImage({ layers });
  const reference = registry.add(image, 'a/b');
  using coming = comingInto(join(daemon.root, 'overlayfs/snapshots'));
  const pulls = await Promise.all(
    Array.from({ length: PULLS }, () => runCommand(dist, daemon, ['pull', '--quiet', reference])),
  );
  for (const { code, stdout, stderr } of pulls) {
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(image.target.digest));
  }
  const asked = registry.seen.map(({ uri }) => uri).filter((uri) => uri.includes('/blobs/'));
  const wanted = [...image.blobs.keys()].map((digest) => `/v2/a/b/blobs/${digest}`);
  assert.deepEqual(asked.sort(), wanted.sort(), 'each blob once');
  const begun = [...(await coming.names())].filter((name) => name.startsWith('new-'));
  assert.equal(begun.length, LAYERS, `layer directories that were ever begun: ${begun.join(' ')}`);
});
