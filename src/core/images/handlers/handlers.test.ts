import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../../base/abort.js';
import { assertRejectsWithKind } from '../../../../test/support/assert-kind.js';
import type { Descriptor } from '../../../spec/descriptor.js';
import { digestOf } from '../../../spec/digest.js';
import { MEDIA_TYPES } from '../../../spec/media-types.js';
import { childLabels } from './child-labels.js';
import { dispatch } from './dispatch.js';
import { effect, inOrder, mapChildren, NO_CHILDREN, SKIP_DESCRIPTOR, STOP_HANDLING, type Handler } from './handler.js';
import { onlyPlatforms } from './platform-filter.js';
import { walk } from './walk.js';

const node = (name: string, mediaType: string = MEDIA_TYPES.ociIndex): Descriptor => ({
  mediaType,
  digest: digestOf(name),
  size: name.length,
  annotations: { name },
});
const nameOf = ({ annotations }: Descriptor) => annotations?.['name'] ?? '';

/** A tree given as `parent: 'child child'`. */
function treeOf(tree: Readonly<Record<string, string>>): Handler {
  return (target) =>
    Promise.resolve(
      (tree[nameOf(target)] ?? '')
        .split(' ')
        .filter(Boolean)
        .map((name) => node(name)),
    );
}

const TREE = { root: 'a b', a: 'c d', b: 'd e' };

const never = new AbortController().signal;

test('in order: one after another, children together, the first error ends it', async () => {
  const seen: string[] = [];
  const step =
    (name: string, ...children: string[]): Handler =>
    (target) => {
      seen.push(`${name} ${nameOf(target)}`);
      return Promise.resolve(children.map((child) => node(child)));
    };
  const found = await inOrder(step('one', 'x'), step('two', 'y', 'z'))(node('root'), never);
  assert.deepEqual(found.map(nameOf), ['x', 'y', 'z']);
  assert.deepEqual(seen, ['one root', 'two root']);
  const fail = effect(() => {
    throw new Error('no');
  });
  await assert.rejects(inOrder(step('three'), fail, step('four'))(node('root'), never), /no/);
  assert.deepEqual(seen.slice(2), ['three root']);
});

test('skip: not this descriptor and nothing below it; stop: no later handler', async () => {
  const later: string[] = [];
  const note = effect((target) => void later.push(nameOf(target)));
  const answer =
    (name: string, result: readonly Descriptor[]): Handler =>
    (target) =>
      Promise.resolve(nameOf(target) === name ? result : NO_CHILDREN);
  await walk(inOrder(treeOf(TREE), answer('a', SKIP_DESCRIPTOR), answer('b', STOP_HANDLING), note), [node('root')]);
  assert.deepEqual(later, ['root', 'd', 'e'], 'siblings of the skipped one go on, children of the stopped one too');
  const mapped = mapChildren(answer('a', SKIP_DESCRIPTOR), () => [node('wrong')]);
  assert.equal(await mapped(node('a'), never), SKIP_DESCRIPTOR);
});

test('walk: depth first, in order, each once', async () => {
  const seen: string[] = [];
  await walk(
    inOrder(
      effect((target) => void seen.push(nameOf(target))),
      treeOf(TREE),
    ),
    [node('root')],
  );
  assert.deepEqual(seen, ['root', 'a', 'c', 'd', 'b', 'e']);
});

test('dispatch: siblings at the same time within the bound, each once, a parent before its children', async () => {
  let running = 0;
  let most = 0;
  const seen: string[] = [];
  const work: Handler = async (target, signal) => {
    running += 1;
    most = Math.max(most, running);
    seen.push(nameOf(target));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return treeOf({ root: 'a b c d e f', a: 'g', b: 'g' })(target, signal);
  };
  await dispatch(work, [node('root')], { concurrency: 3 });
  assert.equal(most, 3);
  assert.deepEqual(seen.slice(0, 4), ['root', 'a', 'b', 'c']);
  assert.deepEqual([...seen].sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'root']);
});

test('dispatch: the first error aborts the others, and is thrown when they have stopped', async () => {
  const stopped: string[] = [];
  const started = deferred<undefined>();
  const work: Handler = async (target, signal) => {
    switch (nameOf(target)) {
      case 'root':
        return [node('slow'), node('bad'), node('never')];
      case 'slow':
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => setImmediate(resolve));
          started.resolve(undefined);
        });
        stopped.push('slow');
        return NO_CHILDREN;
      case 'bad':
        await started.promise;
        throw new Error('the first');
      default:
        stopped.push(nameOf(target));
        return NO_CHILDREN;
    }
  };
  await assert.rejects(dispatch(work, [node('root')], { concurrency: 2 }), /the first/);
  assert.deepEqual(stopped, ['slow']);
});

test('dispatch: an abort from outside is the error', async () => {
  const controller = new AbortController();
  const work: Handler = async (_, signal) => {
    controller.abort(new Error('enough'));
    signal.throwIfAborted();
    return NO_CHILDREN;
  };
  await assert.rejects(dispatch(work, [node('root')], { concurrency: 2, signal: controller.signal }), /enough/);
});

test('trees that lead into themselves, are too deep or too large', async () => {
  for (const descend of [
    walk,
    (handler: Handler, roots: readonly Descriptor[], options: object) =>
      dispatch(handler, roots, { concurrency: 2, ...options }),
  ]) {
    await assertRejectsWithKind(
      descend(treeOf({ root: 'a', a: 'root' }), [node('root')], {}),
      'invalid-argument',
      /contains itself/,
    );
    const chain = Object.fromEntries(Array.from({ length: 20 }, (_, depth) => [`n${depth}`, `n${depth + 1}`]));
    await assertRejectsWithKind(descend(treeOf(chain), [node('n0')], {}), 'invalid-argument', /deeper than 8/);
    const wide = { root: Array.from({ length: 20 }, (_, at) => `w${at}`).join(' ') };
    const bounds = { maxDepth: 3, maxDescriptors: 10 };
    await assertRejectsWithKind(descend(treeOf(wide), [node('root')], { bounds }), 'invalid-argument', /one too many/);
  }
});

test('labels that keep children, as containerd writes them', () => {
  const config = node('c', MEDIA_TYPES.ociConfig);
  const layers = [node('l0', MEDIA_TYPES.ociLayerGzip), node('l1', MEDIA_TYPES.dockerLayerGzip)];
  const manifests = [node('m0', MEDIA_TYPES.ociManifest), node('m1', MEDIA_TYPES.dockerManifest)];
  const others = [node('o', 'application/vnd.in-toto+json')];
  assert.deepEqual(childLabels([config, ...layers, ...manifests, ...others]), {
    'containerd.io/gc.ref.content.config': config.digest,
    'containerd.io/gc.ref.content.l.0': layers[0]?.digest,
    'containerd.io/gc.ref.content.l.1': layers[1]?.digest,
    'containerd.io/gc.ref.content.m.0': manifests[0]?.digest,
    'containerd.io/gc.ref.content.m.1': manifests[1]?.digest,
    'containerd.io/gc.ref.content.0': others[0]?.digest,
  });
});

test('platforms: the best one of an index, entries without a platform last, an error that lists what there is', async () => {
  const entry = (name: string, architecture?: string, variant?: string): Descriptor => ({
    ...node(name, MEDIA_TYPES.ociManifest),
    ...(architecture !== undefined && {
      platform: { os: 'linux', architecture, ...(variant !== undefined && { variant }) },
    }),
  });
  const entries = [
    entry('none'),
    entry('v6', 'arm', 'v6'),
    entry('v7', 'arm', 'v7'),
    entry('amd', 'amd64'),
    entry('arm64', 'arm64', 'v8'),
  ];
  const choose = async (list: readonly Descriptor[], ...architectures: string[]) => {
    const platforms = architectures.map((architecture) => ({ os: 'linux', architecture }));
    return (await onlyPlatforms(platforms, () => Promise.resolve(list))(node('index'), never)).map(nameOf);
  };
  assert.deepEqual(await choose(entries, 'arm'), ['v7', 'none']);
  assert.deepEqual(await choose(entries.slice(0, 2), 'arm'), ['v6', 'none']);
  assert.deepEqual(await choose(entries, 'arm64', 'amd64'), ['arm64', 'amd', 'none']);
  assert.deepEqual(await choose(entries), ['none', 'v6', 'v7', 'amd', 'arm64']);
  await assertRejectsWithKind(
    choose(entries.slice(1), 's390x'),
    'not-found',
    /linux\/s390x: .* linux\/arm\/v6, linux\/arm\/v7, linux\/amd64, linux\/arm64/,
  );
});
