import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeImage, makeLayer } from '../../../test/support/image.js';
import { openRegistry } from '../../../test/support/registry.js';
import { RegistryRemotes } from './registry-remotes.js';

test('transfers share a token, as long as registry, scopes and credentials are the same', async () => {
  await using registry = await openRegistry({ auth: 'token' });
  await using remotes = new RegistryRemotes();
  const image = makeImage({ layers: [await makeLayer([{ path: 'f', data: 'x' }])] });
  const [one, two] = [await registry.push(image, 'a/one'), await registry.push(image, 'a/two')];
  const before = registry.tokenRequests.length;
  const asked = () => registry.tokenRequests.length - before;
  const resolve = (name: string, secret?: string) =>
    remotes
      .resolver(
        secret === undefined ? {} : { credentials: () => Promise.resolve({ kind: 'basic', user: 'user', secret }) },
      )
      .resolve(name);
  await Promise.all(Array.from({ length: 20 }, () => resolve(one)));
  await resolve(one);
  assert.equal(asked(), 1);
  await resolve(two);
  assert.equal(asked(), 2, 'another repository has another scope');
  await resolve(one, 'right');
  assert.equal(asked(), 3, 'other credentials are other rights');
  await resolve(one, 'right');
  await resolve(one);
  assert.equal(asked(), 3);
});
