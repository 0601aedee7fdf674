import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { LIMIT_SETTINGS } from '../../src/core/diff/applier.js';
import { paxEntry, rawTar } from '../../src/selftest/raw-tar.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { layerOf, makeImage } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { tempDir } from '../support/temp-dir.js';

const KIB = 1024;
const LIMITS = {
  layer_bytes: 1024 * KIB,
  layer_entries: 20,
  layer_ratio: 50,
  layer_ratio_floor: 128 * KIB,
  layer_path_bytes: 60,
  layer_depth: 5,
  layer_pax_bytes: 4 * KIB,
};
type Setting = keyof typeof LIMITS;

/** A layer just within each bound, and one that is over it; `says` is the setting that the error names. */
const CASES: Readonly<Record<Setting, { within: Buffer; over: Buffer; says?: Setting }>> = {
  layer_bytes: { within: noise(900 * KIB), over: noise(1100 * KIB) },
  layer_entries: { within: many(20), over: many(21) },
  layer_ratio: { within: diluted(20 * KIB), over: diluted(KIB) },
  layer_ratio_floor: { within: zeros(120 * KIB), over: zeros(130 * KIB), says: 'layer_ratio' },
  layer_path_bytes: { within: rawTar({ name: 'n'.repeat(60) }), over: rawTar({ name: 'n'.repeat(61) }) },
  layer_depth: { within: rawTar({ name: 'a/b/c/d/e' }), over: rawTar({ name: 'a/b/c/d/e/f' }) },
  layer_pax_bytes: { within: withAttribute(4000), over: withAttribute(4096) },
};

test('each limit of layers in the settings is obeyed over the socket, and named by the error', async (t) => {
  assert.deepEqual(Object.keys(CASES).sort(), Object.values(LIMIT_SETTINGS).sort(), 'every setting has a case');
  await using daemon = await openDaemon({ config: { limits: LIMITS } });
  await using registry = await openRegistry();
  const settings = Object.keys(CASES) as Setting[];
  for (const setting of settings) {
    const { within, over, says = setting } = CASES[setting];
    const named = new RegExp(`raise ${says} in \\[limits\\]`);
    await t.test(`${setting}, a layer on stdin`, async () => {
      assert.equal((await apply(daemon, within)).stderr, '');
      const refused = await apply(daemon, over);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, named);
    });
    await t.test(`${setting}, an image`, async () => {
      const pull = async (tar: Buffer, tag: string) =>
        await runCommand(dist, daemon, [
          'pull',
          await registry.push(makeImage({ layers: [layerOf(tar)] }), setting, tag),
        ]);
      const taken = await pull(within, 'within');
      assert.equal(taken.code, 0, taken.stderr);
      const before = await layersOf(daemon);
      const refused = await pull(over, 'over');
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, named);
      assert.deepEqual(await layersOf(daemon), before, 'nothing stays of it');
    });
  }
});

test('limits that no layer could be held to are refused', async () => {
  for (const [setting, value] of Object.entries({
    layer_depth: 2001,
    layer_path_bytes: 65_537,
    layer_pax_bytes: 2 ** 27,
  })) {
    await assert.rejects(openDaemon({ config: { limits: { [setting]: value } } }), new RegExp(`limits\\.${setting}`));
  }
});

async function apply(daemon: TestDaemon, tar: Buffer): Promise<{ code: number; stderr: string }> {
  await using dir = await tempDir();
  return await runCommand(dist, daemon, ['apply', dir.path], { stdin: layerOf(tar).bytes });
}

async function layersOf(daemon: TestDaemon): Promise<string[]> {
  return (await readdir(join(daemon.root, 'overlayfs/snapshots'))).sort();
}

/** Bytes that do not pack well. */
function noiseOf(bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at += 1) data[at] = (state = (state * 48_271) % 2_147_483_647) & 0xff;
  return data;
}

function noise(bytes: number): Buffer {
  return rawTar({ name: 'noise', data: noiseOf(bytes) });
}

function zeros(bytes: number): Buffer {
  return rawTar({ name: 'zeros', data: Buffer.alloc(bytes - 3 * 512) });
}

/** 512 KiB of zeros behind so much that does not pack. */
function diluted(bytes: number): Buffer {
  return rawTar({ name: 'noise', data: noiseOf(bytes) }, { name: 'zeros', data: Buffer.alloc(512 * KIB) });
}

function many(count: number): Buffer {
  return rawTar(...Array.from({ length: count }, (_, at) => ({ name: `file${at}` })));
}

function withAttribute(bytes: number): Buffer {
  return rawTar(paxEntry([['SCHILY.xattr.user.large', 'x'.repeat(bytes)]]), { name: 'file' });
}
