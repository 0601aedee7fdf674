import assert from 'node:assert/strict';
import { chmod, chown, link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import type { WorkerPool } from '../../src/core/diff/worker-pool.js';
import type { DirectoryFiles } from '../../src/core/kernel/directory-files.js';
import type { Disks } from '../../src/core/kernel/disks.js';
import type { Mount } from '../../src/core/kernel/mounts.js';
import type { SnapshotBackend } from '../../src/core/snapshots/snapshot-backend.js';
import { openWorkerPool } from '../../src/drivers/worker-pool/worker-pool.js';
import { createKernel } from '../../src/sys/kernel.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';
import { inventory } from '../support/tree.js';
import { SOURCE_WORKER_URL } from '../support/worker-url.js';

/** What a backend is opened with. */
export interface BackendParts {
  readonly root: string;
  readonly pool: WorkerPool;
  readonly files: DirectoryFiles;
  readonly disks: Disks;
}

export type OpenBackend = (parts: BackendParts) => Promise<SnapshotBackend>;

interface Stage {
  readonly root: string;
  readonly backend: SnapshotBackend;
  /** Opens another one on the same folder, as the next start of the daemon does. */
  readonly reopen: () => Promise<SnapshotBackend>;
  readonly within: <T>(mounts: readonly Mount[], use: (path: string) => Promise<T>) => Promise<T>;
}

/** Directories and mounts of a backend, on real mounts. */
export function snapshotBackendSuite(name: string, open: OpenBackend): void {
  const check = (what: string, run: (stage: Stage) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => run(await stageOf(t, open)));
  };

  check("a first directory is root's, 0755, and nobody else gets near it", async ({ root, backend }) => {
    await backend.create(1, { writable: true, parents: [] });
    const { mode, uid, gid, mtimeMs } = await stat(backend.filesOf(1));
    assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o755, 0, 0, 0]);
    assert.equal((await stat(join(root, 'snapshots'))).mode & 0o777, 0o700);
    const [mount, ...more] = backend.mounts(1, 'active', []);
    assert.deepEqual(more, []);
    assert.deepEqual(mount, { type: 'bind', source: backend.filesOf(1), options: ['rw', 'rbind'] });
    assert.deepEqual(backend.mounts(1, 'view', [])[0]?.options, ['ro', 'rbind']);
  });

  check('what is written on top of a parent is seen with it, and the parent stays', async ({ backend, within }) => {
    await backend.create(1, { writable: true, parents: [] });
    await within(backend.mounts(1, 'active', []), async (path) => {
      await writeFile(join(path, 'lower'), 'lower');
      await mkdir(join(path, 'gone'));
      await writeFile(join(path, 'gone/file'), 'x');
    });
    await backend.create(2, { writable: true, parents: [1] });
    await within(backend.mounts(2, 'active', [1]), async (path) => {
      await writeFile(join(path, 'upper'), 'upper');
      await writeFile(join(path, 'lower'), 'changed');
      await rm(join(path, 'gone'), { recursive: true });
    });
    await backend.create(3, { writable: true, parents: [2, 1] });
    await within(backend.mounts(3, 'active', [2, 1]), async (path) => {
      assert.deepEqual((await readdir(path)).sort(), ['lower', 'upper']);
      assert.equal(await readFile(join(path, 'lower'), 'utf8'), 'changed');
    });
    assert.equal(await readFile(join(backend.filesOf(1), 'gone/file'), 'utf8'), 'x');
    assert.equal(await readFile(join(backend.filesOf(1), 'lower'), 'utf8'), 'lower');
  });

  check("the root is as its parent's is", async ({ backend, within }) => {
    await backend.create(1, { writable: false, parents: [] });
    await chown(backend.filesOf(1), 7, 8);
    await chmod(backend.filesOf(1), 0o2711);
    await utimes(backend.filesOf(1), 1000, 2000);
    await backend.create(2, { writable: true, parents: [1] });
    for (const kind of ['active', 'view'] as const) {
      await within(backend.mounts(2, kind, [1]), async (path) => {
        const { mode, uid, gid, mtimeMs } = await stat(path);
        assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o2711, 7, 8, 2_000_000], kind);
      });
    }
  });

  check('a view can not be written', async ({ backend, within }) => {
    await backend.create(1, { writable: false, parents: [] });
    await backend.create(2, { writable: false, parents: [1] });
    await backend.create(3, { writable: false, parents: [2, 1] });
    for (const [id, parents] of [
      [2, [1]],
      [3, [2, 1]],
    ] as const) {
      await within(backend.mounts(id, 'view', parents), async (path) => {
        await assert.rejects(writeFile(join(path, 'new'), ''), { code: 'EROFS' });
      });
    }
  });

  check('usage counts what lies in the directory, links once', async ({ backend }) => {
    await backend.create(1, { writable: true, parents: [] });
    const empty = await backend.usage(1);
    assert.equal(empty.inodes, 1);
    await writeFile(join(backend.filesOf(1), 'file'), Buffer.alloc(1 << 20, 1));
    await link(join(backend.filesOf(1), 'file'), join(backend.filesOf(1), 'again'));
    const filled = await backend.usage(1);
    assert.equal(filled.inodes, 2);
    assert.ok(filled.size - empty.size >= 1 << 20 && filled.size - empty.size < 1.2 * (1 << 20));
    await assert.rejects(backend.usage(1, AbortSignal.abort(new Error('enough'))), /enough/);
  });

  check('removal leaves nothing, and a second one is no error', async ({ root, backend }) => {
    await backend.create(4, { writable: true, parents: [] });
    await mkdir(join(backend.filesOf(4), 'deep/er'), { recursive: true });
    await backend.remove(4);
    await backend.remove(4);
    await backend.remove(99);
    assert.deepEqual(await readdir(join(root, 'snapshots')), []);
  });

  check(
    'the next start finds the numbers and clears what was half made or half removed',
    async ({ root, backend, reopen }) => {
      await backend.create(1, { writable: true, parents: [] });
      await backend.create(12, { writable: true, parents: [] });
      await mkdir(join(root, 'snapshots/new-13-abc/fs/x'), { recursive: true });
      await mkdir(join(root, 'snapshots/rm-7-abc/fs/x'), { recursive: true });
      const next = await reopen();
      assert.deepEqual(
        [...(await next.inventory())].sort((a, b) => a - b),
        [1, 12],
      );
      assert.deepEqual((await readdir(join(root, 'snapshots'))).sort(), ['1', '12']);
    },
  );

  check('a failed creation leaves nothing', async ({ root, backend }) => {
    await assert.rejects(backend.create(2, { writable: true, parents: [1] }));
    assert.deepEqual(await readdir(join(root, 'snapshots')), []);
  });

  check('a child of a tree with everything in it is that tree', async ({ backend, within }) => {
    await backend.create(1, { writable: false, parents: [] });
    await backend.sync([1]);
    await fill(backend.filesOf(1));
    await backend.create(2, { writable: true, parents: [1] });
    const skip = ['trusted.overlay.'];
    const before = await inventory(backend.filesOf(1), skip);
    const after = await within(backend.mounts(2, 'active', [1]), (path) => inventory(path, skip));
    assert.deepEqual(after, before);
    await within(backend.mounts(2, 'active', [1]), async (path) => {
      assert.ok((await stat(join(path, 'sparse'))).blocks < 1000, 'holes are kept');
    });
  });
}

/** Owners, modes, times, links, attributes, devices, a hole. */
async function fill(top: string): Promise<void> {
  const script = [
    'mkdir -p d/e; echo file >d/file; ln d/file d/hard; ln -s ../nowhere d/soft; mkfifo -m 620 pipe; mknod -m 640 null c 1 3',
    'mknod disk b 259 70000; truncate -s 50M sparse; echo end >>sparse; printf x >"$(printf "n\\377me")"',
    "chown 5:6 d/file; chmod 6755 d/file; chown -h 7:8 d/soft; chmod 1700 d/e; python3 -c \"import os; os.setxattr('d/file', 'user.a', b'b')\"",
    'touch -h -d @1000.123456789 d/soft; touch -d @2000.5 d/file pipe null sparse; touch -d @3000 d/e d .',
  ];
  await output('sh', ['-ec', `cd "$1"; ${script.join('; ')}`, 'sh', top]);
}

async function stageOf(t: TestContext, open: OpenBackend): Promise<Stage> {
  const down = new Teardown();
  t.after(() => down.run());
  const { path: home } = down.own(await tempDir());
  const kernel = createKernel();
  const pool = down.own(openWorkerPool(SOURCE_WORKER_URL, 1));
  const root = join(home, 'backend');
  const parts = { root, pool, files: kernel.files, disks: kernel.disks };
  let places = 0;
  return {
    root,
    backend: await open(parts),
    reopen: () => open(parts),
    async within(mounts, use) {
      places += 1;
      const path = join(home, `mounted-${places}`);
      await mkdir(path);
      await using _ = await kernel.mounts.mountAll(mounts, path);
      return await use(path);
    },
  };
}
