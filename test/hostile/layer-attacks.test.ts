import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/core/diff/applier.js';
import { applyLayer } from '../../src/drivers/diff-tar/apply-layer.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { createKernel } from '../../src/sys/kernel.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { rawEntry, rawTar } from '../support/raw-tar.js';
import { tempDir } from '../support/temp-dir.js';
import { layerAttacks, type LayerAttack } from './layer-attacks.js';

const kernel = createKernel();
const everything = kernel.files.openDirectory('/');
const LIMITS = { ...DEFAULT_LIMITS, maxBytes: 8 << 20, maxEntries: 1000, maxPaxBytes: 65_536 + 4096 - 512 };
const WATCH = { report: () => undefined, check: () => undefined };

interface Looks {
  readonly stat: BigIntStats;
  readonly content: string;
  readonly xattrs: readonly string[];
}

/** Everything in a tree by path, latin1 of its bytes; the top is the empty path. */
function treeOf(top: string): Map<string, Looks> {
  const found = new Map<string, Looks>();
  const visit = (path: Buffer): void => {
    const stat = lstatSync(path, { bigint: true });
    const content = stat.isFile() ? readFileSync(path, 'latin1') : stat.isSymbolicLink() ? readlinkSync(path) : '';
    const xattrs = kernel.files.listXattrs(everything, path.subarray(1)).map(String);
    found.set(path.toString('latin1').slice(top.length + 1), { stat, content, xattrs });
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: 'buffer' })) visit(Buffer.concat([path, Buffer.from('/'), name]));
  };
  visit(Buffer.from(top));
  return found;
}

/** What lies outside: content, and by number and change time that nobody so much as touched it. */
function looksOf(canary: string): unknown {
  return [...treeOf(canary)].map(([path, { stat, content, xattrs }]) => {
    const { ino, ctimeNs, nlink, mode, uid } = stat;
    return { path, content, xattrs, stat: [ino, ctimeNs, nlink, mode, uid].map(String) };
  });
}

async function apply(dir: string, form: 'overlay' | 'plain', { tar }: Pick<LayerAttack, 'tar'>) {
  const blobPath = `${dir}.tar`;
  await writeFile(blobPath, tar);
  return await applyLayer(
    kernel,
    { blobPath, mediaType: MEDIA_TYPES.ociLayer, directory: dir, form, limits: LIMITS },
    WATCH,
  );
}

for (const form of ['overlay', 'plain'] as const) {
  test(`${form}: no layer reaches out of its directory`, async (t) => {
    const { path: home } = await tempDir(t);
    const canary = join(home, 'canary');
    await mkdir(join(canary, 'below'), { recursive: true });
    for (const name of ['secret', 'new', 'below/file']) await writeFile(join(canary, name), 'canary', { mode: 0o640 });
    const before = looksOf(canary);
    for (const [at, attack] of layerAttacks(canary).entries()) {
      await t.test(`${attack.row}: ${attack.name}`, async () => {
        const dir = join(home, `root-${at}`);
        await mkdir(dir);
        if (form === 'plain') await plantLinks(dir, canary);
        const work = apply(dir, form, attack);
        if (attack.refused) await assertRejectsWithKind(work, attack.refused);
        else await work;
        assertLeaves(dir, attack);
        assertNoForgedState(dir, form, attack);
        assert.deepEqual(looksOf(canary), before);
      });
    }
  });
}

/** What an earlier layer may have left: ways out, as long as somebody follows them. */
async function plantLinks(dir: string, canary: string): Promise<void> {
  await symlink(canary, join(dir, 'a'));
  await symlink('../canary', join(dir, 'd'));
  await symlink(join(canary, 'secret'), join(dir, 'f'));
  await symlink('..', join(dir, 'x'));
}

function assertLeaves(dir: string, { leaves = [] }: LayerAttack): void {
  const tree = treeOf(dir);
  for (const path of leaves) {
    if (path.startsWith('!')) assert.ok(!tree.has(path.slice(1)), `${path.slice(1)} is there`);
    else assert.ok(tree.has(path), `${path} is not among ${[...tree.keys()].join(' ')}`);
  }
}

function assertNoForgedState(dir: string, form: string, { row }: LayerAttack): void {
  for (const [path, { stat, xattrs }] of treeOf(dir)) {
    const own = form === 'overlay' && row !== 'S6' ? ['trusted.overlay.opaque'] : [];
    const forged = xattrs.filter((name) => !/^user\.(?!overlay\.)/.test(name) && !own.includes(name));
    assert.deepEqual(forged, [], `attributes of ${path}`);
    if (row !== 'S5') assert.ok(!stat.isCharacterDevice() || stat.rdev !== 0n, `a whiteout at ${path}`);
  }
}

test('S2: someone renames under the unpacker', async (t) => {
  const { path: home } = await tempDir(t);
  const canary = join(home, 'canary');
  await mkdir(canary);
  await writeFile(join(canary, 'secret'), 'canary');
  const before = looksOf(canary);
  const dir = join(home, 'root');
  await mkdir(join(dir, 'd'), { recursive: true });
  await symlink(canary, join(dir, 'link'));
  const swap = [
    'import os, sys',
    'os.chdir(sys.argv[1])',
    'print("ready", flush=True)',
    'while True:',
    '    for a, b in (("d", "t"), ("link", "d"), ("d", "link"), ("t", "d")):',
    '        try: os.rename(a, b)',
    '        except OSError: pass',
  ].join('\n');
  await using renamer = await kernel.programs.start('python3', ['-c', swap, dir], { stdout: 'pipe' });
  for await (const _ of renamer.stdout ?? []) break;
  const entries = Array.from({ length: 800 }, (_, at) => rawEntry({ name: `d/sub${at}/secret`, data: `${at}` }));
  for (let turn = 0; turn < 5; turn += 1) {
    // Whether it comes through depends on the moment; that it stays inside does not.
    await apply(dir, 'plain', { tar: rawTar(Buffer.concat(entries)) }).catch((error: unknown) => {
      assert.ok(error instanceof Error && 'kind' in error, String(error));
    });
  }
  assert.deepEqual(looksOf(canary), before);
  assert.equal(await readFile(join(canary, 'secret'), 'utf8'), 'canary');
});
