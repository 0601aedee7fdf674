import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { makeImage, makeLayer } from '../support/image.js';

test('daemon killed in the middle of a pull: no name, and the next pull goes on where the bytes ended', async () => {
  await using registry = await openFaultRegistry();
  await using daemon = await openDaemon();
  const layers = await Promise.all(
    [400_000, 3_000_000].map(async (size) => makeLayer([{ path: `f${size}`, data: randomBytes(size) }])),
  );
  const image = makeImage({ layers });
  const reference = registry.add(image, 'a');
  registry.script = ({ uri }, answer) =>
    uri.includes('/blobs/') && answer.body.length > 2_000_000 ? { ...answer, stallAfter: 1_500_000 } : answer;
  const cut = runBuilt('dist', daemon, ['pull', reference]);
  const ingests = join(daemon.root, 'content/ingest');
  await eventually(async () => {
    const sizes = await Promise.all(
      (await readdir(ingests)).map(async (name) => (await stat(join(ingests, name))).size),
    );
    assert.deepEqual(sizes, [1_500_000]);
  });
  await daemon.kill();
  assert.notEqual((await cut).code, 0);
  await daemon.start();
  const images = await runBuilt('dist', daemon, ['images']);
  assert.equal(images.stdout.toString().trim().split('\n').length, 1, 'only the headings');
  registry.script = undefined;
  const before = registry.seen.length;
  const again = await runBuilt('dist', daemon, ['pull', reference]);
  assert.equal(again.code, 0, again.stderr.toString());
  const ranges = registry.seen.slice(before).flatMap(({ headers }) => headers.range ?? []);
  assert.deepEqual(ranges, ['bytes=1500000-']);
  const blobs = registry.seen.slice(before).filter(({ uri }) => uri.includes('/blobs/'));
  assert.equal(blobs.length, 1, 'what was whole is not fetched again');
});
