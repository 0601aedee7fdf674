import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DEFAULT_LIMITS, type Applied } from '../../core/diff/applier.js';
import { paxEntry, rawTar, type TarPart } from '../../selftest/raw-tar.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { createKernel } from '../../sys/kernel.js';
import { applyLayer } from './apply-layer.js';
import { DEFAULT_ACL } from './xattr-policy.js';

const kernel = createKernel();
const watch = { report: () => undefined, check: () => undefined };
/** user::rw-, group::rwx, mask::rwx, other::r-- (version 2). */
const ACL = Buffer.from(
  '02000000' + '01000600ffffffff' + '04000700ffffffff' + '10000700ffffffff' + '20000400ffffffff',
  'hex',
);

test('what is made in a directory of a lower layer takes nothing over from its default ACL, and the directory keeps it', async (t) => {
  const { path: home } = await tempDir(t);
  const apply = async (name: string, parts: readonly TarPart[], lower?: readonly string[]): Promise<Applied> => {
    const [directory, blobPath] = [join(home, name), join(home, `${name}.tar`)];
    await mkdir(directory);
    await writeFile(blobPath, rawTar(...parts));
    const request = { blobPath, mediaType: MEDIA_TYPES.ociLayer, directory, limits: DEFAULT_LIMITS };
    const how = lower ? { form: 'overlay' as const, lower } : { form: 'plain' as const };
    return await applyLayer(kernel, { ...request, ...how }, watch);
  };
  await apply('below', [
    paxEntry([[`SCHILY.xattr.${DEFAULT_ACL}`, ACL]]),
    { name: 'd', type: '5', mode: 0o750 },
    { name: 'l', type: '2', link: 'd' },
  ]);
  const { deferred } = await apply('over', [{ name: 'l/f', data: 'x', mode: 0o600 }], [join(home, 'below')]);
  assert.deepEqual(
    deferred.map(({ kind }) => kind),
    ['root'],
  );
  const directory = kernel.files.openDirectory(join(home, 'over'));
  t.after(() => {
    kernel.files.close(directory);
  });
  assert.deepEqual(kernel.files.getXattr(directory, 'd', DEFAULT_ACL), ACL);
  assert.equal(kernel.files.stat(directory, 'd').mode & 0o7777, 0o750);
  const inside = kernel.files.openDirectory(join(home, 'over', 'd'));
  t.after(() => {
    kernel.files.close(inside);
  });
  assert.equal(kernel.files.stat(inside, 'f').mode & 0o7777, 0o600);
  assert.deepEqual(kernel.files.listXattrs(inside, 'f').map(String), []);
});
