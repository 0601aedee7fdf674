import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertThrowsWithKind } from '../../../test/support/assert-kind.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { cdiEdits } from './cdi-devices.js';

test('CDI: a device is what its vendor has written down of it', async (t) => {
  const { path } = await tempDir(t);
  const dirs = [join(path, 'etc'), join(path, 'run'), join(path, 'missing')];
  for (const dir of dirs.slice(0, 2)) await mkdir(dir);
  const vendor = (env: string) => ({
    ...{ cdiVersion: '0.5.0', kind: 'vendor.com/gpu', containerEdits: { env: ['ALL=1'] } },
    devices: [
      {
        name: '0',
        containerEdits: {
          env: [env],
          deviceNodes: [
            { path: '/dev/gpu0', hostPath: '/dev/null' },
            { path: '/dev/zero', permissions: 'r' },
          ],
          mounts: [{ hostPath: '/opt/lib', containerPath: '/lib/gpu', options: ['ro', 'bind'] }],
        },
      },
      { name: 'hooked', containerEdits: { hooks: [{ hookName: 'createContainer', path: '/bin/x' }] } },
    ],
  });
  await writeFile(join(path, 'etc/vendor.json'), JSON.stringify(vendor('FROM=etc')));
  assert.deepEqual(cdiEdits(['vendor.com/gpu=0'], dirs), {
    env: ['ALL=1', 'FROM=etc'],
    devices: ['/dev/null:/dev/gpu0:rwm', '/dev/zero:/dev/zero:r'],
    mounts: [{ destination: '/lib/gpu', type: 'bind', source: '/opt/lib', options: ['ro', 'bind'] }],
  });
  await writeFile(join(path, 'run/vendor.json'), JSON.stringify(vendor('FROM=run')));
  assert.deepEqual(cdiEdits(['vendor.com/gpu=0'], dirs).env, ['ALL=1', 'FROM=run']);
  assert.deepEqual(cdiEdits([], dirs).devices, []);
  assertThrowsWithKind(() => cdiEdits(['vendor.com/gpu=9'], dirs), 'not-found', /not described by a JSON file/);
  assertThrowsWithKind(() => cdiEdits(['vendor.com/gpu=hooked'], dirs), 'unimplemented', /has hooks/);
  assertThrowsWithKind(() => cdiEdits(['gpu'], dirs), 'invalid-argument', /vendor\/class=name/);
  await writeFile(join(path, 'run/bad.json'), '{');
  assertThrowsWithKind(() => cdiEdits(['vendor.com/gpu=0'], dirs), 'invalid-argument', /bad\.json/);
});
