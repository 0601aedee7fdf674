import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snapshotBackendSuite } from '../../../test/suites/snapshot-backend.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { createKernel } from '../../sys/kernel.js';
import { openOverlayBackend } from './overlay-backend.js';

snapshotBackendSuite('overlayfs', openOverlayBackend);

test('overlayfs: mounts have the form that clients rely on', async (t) => {
  const { path: root } = await tempDir(t);
  const { files, disks } = createKernel();
  const pool = { run: () => Promise.reject(new Error('no task was expected')) };
  const backend = await openOverlayBackend({ root, pool, files, disks });
  const fs = (id: number) => `${root}/snapshots/${id}/fs`;
  const withoutIndex = (options: readonly string[] = []) => options.filter((option) => option !== 'index=off');
  assert.deepEqual(backend.mounts(9, 'view', [4]), [{ type: 'bind', source: fs(4), options: ['ro', 'rbind'] }]);
  const [active] = backend.mounts(9, 'active', [4, 3, 1]);
  assert.deepEqual([active?.type, active?.source], ['overlay', 'overlay']);
  assert.deepEqual(withoutIndex(active?.options), [
    `workdir=${root}/snapshots/9/work`,
    `upperdir=${fs(9)}`,
    `lowerdir=${fs(4)}:${fs(3)}:${fs(1)}`,
  ]);
  const [view] = backend.mounts(9, 'view', [4, 3]);
  assert.deepEqual(withoutIndex(view?.options), [`lowerdir=${fs(4)}:${fs(3)}`]);
});
