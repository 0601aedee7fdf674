import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, ContainerDraft, ContainerStore } from '../../src/core/containers/container-store.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import type { OpenStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SPEC = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{"a": 1}\n') };

function container(id: string, more: Partial<ContainerDraft> = {}): ContainerDraft {
  return {
    id,
    labels: {},
    image: '',
    runtime: { name: 'io.containerd.runc.v2' },
    spec: SPEC,
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandbox: '',
    ...more,
  };
}

function withoutTimes(full: Container): ContainerDraft {
  const { createdAt: _, updatedAt: __, ...draft } = full;
  return draft;
}

/** What every ContainerStore does. */
export function containerStoreSuite(name: string, open: OpenStores): void {
  const check = (what: string, run: (containers: ContainerStore) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => {
      await using root = await tempDir(t);
      await using stores = await open(root.path);
      await run(stores.containers({ namespace: 'testing' }));
    });
  };

  check('everything is kept byte for byte, also of types that nobody knows', async (containers) => {
    const unknown = { typeUrl: 'type.googleapis.com/nobody.Knows', value: Buffer.from([0, 255, 128, 1]) };
    const draft = container('full', {
      labels: { a: '1' },
      image: 'no such image',
      runtime: { name: 'io.containerd.runc.v2', options: unknown },
      snapshotter: 'nobody',
      snapshotKey: 'no such snapshot',
      extensions: { one: unknown, 'a.b/c': SPEC },
      sandbox: 'box',
    });
    const created = await containers.create(draft);
    assert.deepEqual(withoutTimes(created), draft);
    assert.deepEqual(await containers.get('full'), created);
    await assertRejectsWithKind(containers.create(draft), 'already-exists', /container "full": already exists/);
  });

  check('lists are ordered and filtered', async (containers) => {
    for (const id of ['c', 'a', 'b']) await containers.create(container(id, { image: `image-${id}`, labels: { id } }));
    const ids = async (...filters: string[]) => (await containers.list(filters)).map((each) => each.id);
    assert.deepEqual(await ids(), ['a', 'b', 'c']);
    assert.deepEqual(await ids('image==image-b', 'labels.id==a'), ['a', 'b']);
    assert.deepEqual(await ids('runtime.name~=runc,id!=a'), ['b', 'c']);
  });

  check('updates change what may change', async (containers) => {
    const former = await containers.create(container('a', { labels: { x: '1', y: '2' }, snapshotter: 's' }));
    const other = { typeUrl: 'other', value: Buffer.from('z') };
    const draft = container('a', {
      labels: { x: '9' },
      image: 'new',
      spec: other,
      extensions: { e: other },
      snapshotter: 's',
      snapshotKey: 'key',
      sandbox: 'never',
    });
    const update = async (...paths: string[]) => withoutTimes(await containers.update(draft, paths));
    assert.deepEqual((await update('labels.x', 'labels.y')).labels, { x: '9' });
    assert.deepEqual((await update('extensions.e')).extensions, { e: other });
    assert.deepEqual((await update('image')).spec, SPEC);
    const all = await containers.update(draft);
    assert.deepEqual(withoutTimes(all), { ...draft, sandbox: '' });
    assert.deepEqual(all.createdAt, former.createdAt);
    await assertRejectsWithKind(update('id'), 'invalid-argument');
    await assertRejectsWithKind(containers.update({ ...draft, snapshotter: 'x' }), 'invalid-argument', /immutable/);
    await assertRejectsWithKind(
      containers.update({ ...draft, runtime: { name: 'x' } }),
      'invalid-argument',
      /immutable/,
    );
    await assertRejectsWithKind(containers.update(container('nobody')), 'not-found');
  });

  check('deletion', async (containers) => {
    await containers.create(container('a'));
    await containers.delete('a');
    await assertRejectsWithKind(containers.delete('a'), 'not-found');
    await assertRejectsWithKind(containers.get('a'), 'not-found', /container "a" in namespace "testing": not found/);
    await containers.create(container('a'));
  });

  check('what is no container is refused', async (containers) => {
    const { spec: _, ...noSpec } = container('a');
    const wrong: ContainerDraft[] = [
      ...['', '../x', 'a/b', 'x'.repeat(77), '-a', 'a\0'].map((id) => container(id)),
      container('a', { runtime: { name: '' } }),
      container('a', { snapshotKey: 'k' }),
      container('a', { extensions: { '': SPEC } }),
      container('a', { labels: { k: 'x'.repeat(4096) } }),
      noSpec,
    ];
    for (const draft of wrong) await assertRejectsWithKind(containers.create(draft), 'invalid-argument');
    assert.deepEqual(await containers.list(), []);
  });
}
