import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DEFAULT_LIMITS } from '../../src/core/diff/applier.js';
import type { ApplyLayerTask } from '../../src/core/diff/layer-tasks.js';
import { openWorkerPool } from '../../src/drivers/worker-pool/worker-pool.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { layerOf, tarOf } from '../support/image.js';
import { tempDir } from '../support/temp-dir.js';
import { SOURCE_WORKER_URL } from '../support/worker-url.js';

const MANY = 64;

test('a worker that ends closes no descriptor of others, whatever it has unpacked', async (t) => {
  const { path: home } = await tempDir(t);
  const tar = await tarOf([{ path: 'file', data: randomBytes(3 << 20) }]);
  const blobs = { plain: tar, zstd: layerOf(tar, 'zstd').bytes, gzip: gzipSync(tar), small: gzipSync(await tarOf([])) };
  for (const [form, blob] of Object.entries(blobs)) {
    const [blobPath, directory] = [join(home, form), join(home, `${form}.fs`)];
    await mkdir(directory);
    await writeFile(blobPath, blob);
    const pool = openWorkerPool(SOURCE_WORKER_URL, 1);
    const request = {
      blobPath,
      directory,
      mediaType: MEDIA_TYPES.ociLayer,
      form: 'plain',
      limits: DEFAULT_LIMITS,
    } as const;
    const task: ApplyLayerTask = { kind: 'apply-layer', request };
    await pool.run(task);
    // They get the numbers that the worker has closed.
    const mine = Array.from({ length: MANY }, () => openSync('/dev/null', 'r'));
    await pool[Symbol.asyncDispose]();
    for (const fd of mine) {
      assert.ok(fstatSync(fd).isCharacterDevice(), form);
      closeSync(fd);
    }
  }
});
