import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Image, ImageDraft, ImageStore } from '../../src/core/images/image-store.js';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import type { OpenStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SCOPE = { namespace: 'testing' };
const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json';

function image(name: string, more: Partial<ImageDraft> = {}): ImageDraft {
  return { name, labels: { a: '1' }, target: { mediaType: MEDIA_TYPE, digest: digestOf(name), size: 10 }, ...more };
}

function withoutTimes({ name, labels, target }: Image): ImageDraft {
  return { name, labels, target };
}

/** What every ImageStore does. */
export function imageStoreSuite(name: string, open: OpenStores): void {
  const check = (what: string, run: (images: ImageStore, other: ImageStore) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => {
      await using root = await tempDir(t);
      await using stores = await open(root.path);
      await run(stores.images(SCOPE), stores.images({ namespace: 'other' }));
    });
  };

  check('what is created is there, in its namespace only', async (images, other) => {
    const draft = image('example.org/a:1', {
      target: { mediaType: MEDIA_TYPE, digest: digestOf('x'), size: 2 ** 40, annotations: { k: 'v' } },
    });
    const created = await images.create(draft);
    assert.deepEqual(withoutTimes(created), draft);
    assert.deepEqual(created.createdAt, created.updatedAt);
    assert.deepEqual(await images.get(draft.name), created);
    await assertRejectsWithKind(images.create(draft), 'already-exists', /image "example.org\/a:1": already exists/);
    await assertRejectsWithKind(other.get(draft.name), 'not-found', /image "example.org\/a:1": not found/);
  });

  check('lists are ordered and filtered', async (images) => {
    for (const each of ['c', 'a', 'b']) await images.create(image(each, { labels: { [each]: 'x', 'd.e/f': each } }));
    const names = async (...filters: string[]) => (await images.list(filters)).map((each) => each.name);
    assert.deepEqual(await names(), ['a', 'b', 'c']);
    assert.deepEqual(await names('name~=/[bc]/'), ['b', 'c']);
    assert.deepEqual(await names('labels."d.e/f"==a', 'labels.c'), ['a', 'c']);
    assert.deepEqual(await names(`target.digest==${digestOf('b')},target.mediatype~=oci`), ['b']);
    await assertRejectsWithKind(images.list(['name==']), 'invalid-argument', /parse error/);
  });

  check('updates follow their field paths', async (images) => {
    const former = await images.create(image('a', { labels: { a: '1', b: '2' } }));
    const target = { mediaType: 'other', digest: digestOf('new'), size: 5, annotations: { k: 'v' } };
    const draft = image('a', { labels: { b: '3', c: '4' }, target });
    const update = async (...paths: string[]) => withoutTimes(await images.update(draft, paths));
    assert.deepEqual(await update('labels.b'), { ...withoutTimes(former), labels: { a: '1', b: '3' } });
    assert.deepEqual((await update('labels.a')).labels, { b: '3' });
    assert.deepEqual(await update('target'), image('a', { labels: { b: '3' }, target }));
    assert.deepEqual(await update('labels'), image('a', { labels: draft.labels, target }));
    const replaced = await images.update(image('a'));
    assert.deepEqual(withoutTimes(replaced), image('a'));
    assert.deepEqual(replaced.createdAt, former.createdAt);
    await assertRejectsWithKind(update('name'), 'invalid-argument', /cannot update "name" field on image "a"/);
    await assertRejectsWithKind(images.update(image('nobody')), 'not-found');
  });

  check('put makes or replaces', async (images) => {
    const first = await images.put(image('a'));
    const second = await images.put(image('a', { labels: {} }));
    assert.deepEqual(second.labels, {});
    assert.deepEqual(second.createdAt, first.createdAt);
    assert.equal((await images.list()).length, 1);
  });

  check('deletion can be bound to the target', async (images) => {
    const draft = image('a');
    await images.create(draft);
    const elsewhere = { ...draft.target, digest: digestOf('elsewhere') };
    await assertRejectsWithKind(images.delete('a', { target: elsewhere }), 'not-found', /has target .* not sha256/);
    await images.delete('a', { target: draft.target, sync: true });
    await assertRejectsWithKind(images.delete('a'), 'not-found');
  });

  check('what is no image is refused', async (images) => {
    const { target } = image('a');
    const wrong: ImageDraft[] = [
      image(''),
      image('x'.repeat(1025)),
      image('a', { target: { ...target, digest: 'sha256:../x' as Digest } }),
      image('a', { target: { ...target, size: 0 } }),
      image('a', { target: { ...target, mediaType: '' } }),
      image('a', { labels: { k: 'x'.repeat(4096) } }),
    ];
    for (const draft of wrong) await assertRejectsWithKind(images.create(draft), 'invalid-argument');
    assert.deepEqual(await images.list(), []);
  });
}
