import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { makeImage, makeLayer } from '../support/image.js';

const MB = 1_000_000;
const LAYERS = 3;
const CUT_BYTES = 5 * MB;
/** So that the bytes on their way when the daemon dies are those of a fast network, not of a memory copy. */
const LINK = { total: 40 * MB };

test('a cut every 5 MB and a killed daemon in the middle: hardly a byte is served twice, and the image is right', async () => {
  await using registry = await openFaultRegistry('127.0.0.1', { link: LINK });
  await using daemon = await openDaemon();
  const files = Array.from({ length: LAYERS }, () => randomBytes(50 * MB));
  const layers = await Promise.all(
    files.map((data, at) =>
      makeLayer(
        [
          { path: 'shared', data: `of ${at}` },
          { path: `file${at}`, data },
        ],
        'none',
      ),
    ),
  );
  const image = makeImage({ layers });
  const size = [...image.blobs.values()].reduce((sum, { length }) => sum + length, image.target.size);
  const reference = registry.add(image, 'a/b');

  let killed: Promise<void> | undefined;
  let cuts = 0;
  registry.script = ({ uri }, answer) => {
    if (registry.sentBytes > 0.4 * size) killed ??= daemon.kill();
    if (!uri.includes('/blobs/') || answer.body.length <= CUT_BYTES) return answer;
    cuts += 1;
    return { ...answer, cutAfter: CUT_BYTES };
  };
  const first = await runBuilt('dist', daemon, ['pull', reference]);
  assert.notEqual(first.code, 0, 'the daemon was killed under it');
  await killed;
  const before = registry.sentBytes;
  await daemon.start();
  const second = await runBuilt('dist', daemon, ['pull', reference]);
  assert.equal(second.code, 0, second.stderr.toString());

  assert.ok(before > 0.3 * size && before < 0.9 * size, `killed after ${before} of ${size} bytes`);
  // Where a range ends there is none.
  assert.ok(cuts >= (LAYERS * 50) / 5 - 4 * LAYERS, `${cuts} cuts`);
  assert.ok(registry.sentBytes <= 1.02 * size, `${registry.sentBytes} bytes were served of an image of ${size}`);

  for (const [digest, bytes] of image.blobs) {
    const kept = await readFile(join(daemon.root, 'content/blobs', digest.replace(':', '/')));
    assert.equal(digestOf(kept), digest, 'as any other program reads it');
    assert.equal(kept.length, bytes.length);
  }
  const checked = await runCommand(dist, daemon, ['fsck']);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});
