import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/core/diff/applier.js';
import { applyLayer } from '../../src/drivers/diff-tar/apply-layer.js';
import { rawEntry, rawTar } from '../../src/selftest/raw-tar.js';
import { fingerprint } from '../../src/selftest/tree.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { createKernel } from '../../src/sys/kernel.js';
import { tempDir } from '../support/temp-dir.js';

const kernel = createKernel();
const WATCH = { report: () => undefined, check: () => undefined };

/** Puts a link out and a directory into each other's place, as fast as it can. */
const SWAP = [
  'import os, sys',
  'os.chdir(sys.argv[1])',
  'print("ready", flush=True)',
  'while True:',
  '    for a, b in (("d", "t"), ("link", "d"), ("d", "link"), ("t", "d")):',
  '        try: os.rename(a, b)',
  '        except OSError: pass',
].join('\n');

test('S2: someone renames under the unpacker', async (t) => {
  const { path: home } = await tempDir(t);
  const canary = join(home, 'canary');
  await mkdir(canary);
  await writeFile(join(canary, 'secret'), 'canary');
  const before = fingerprint(kernel.files, canary);
  const directory = join(home, 'root');
  await mkdir(join(directory, 'd'), { recursive: true });
  await symlink(canary, join(directory, 'link'));
  await using renamer = await kernel.programs.start('python3', ['-c', SWAP, directory], { stdout: 'pipe' });
  for await (const _ of renamer.stdout ?? []) break;
  const entries = Array.from({ length: 800 }, (_, at) => rawEntry({ name: `d/sub${at}/secret`, data: `${at}` }));
  const blobPath = join(home, 'layer.tar');
  await writeFile(blobPath, rawTar(Buffer.concat(entries)));
  const request = {
    blobPath,
    mediaType: MEDIA_TYPES.ociLayer,
    directory,
    form: 'plain',
    limits: DEFAULT_LIMITS,
  } as const;
  for (let turn = 0; turn < 5; turn += 1) {
    // Whether it comes through depends on the moment; that it stays inside does not.
    await applyLayer(kernel, request, WATCH).catch((error: unknown) => {
      assert.ok(error instanceof Error && 'kind' in error, String(error));
    });
  }
  assert.equal(fingerprint(kernel.files, canary), before);
  assert.equal(await readFile(join(canary, 'secret'), 'utf8'), 'canary');
});
