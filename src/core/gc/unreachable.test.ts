import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GcKind, GcObject } from './graph.js';
import { markUnreachable } from './unreachable.js';

const NOW = Date.parse('2026-11-22T09:00:00Z');
const PAST = '2026-11-22T08:59:59Z';
const FUTURE = '2026-11-22T09:00:01Z';

/** `kind key`, what it keeps by its fields, and its labels (`containerd.io/gc.` left out). */
function object(
  name: string,
  links: readonly string[] = [],
  labels: Readonly<Record<string, string>> = {},
  more: Partial<GcObject> = {},
): GcObject {
  return {
    ...node(name),
    namespace: 'n',
    links: links.map(node),
    labels: Object.fromEntries(Object.entries(labels).map(([label, value]) => [`containerd.io/gc.${label}`, value])),
    ...more,
  };
}

function node(name: string): { kind: GcKind; key: string } {
  const [kind = '', key = ''] = name.split(' ');
  return { kind: kind as GcKind, key };
}

function doomed(...objects: readonly GcObject[]): string[] {
  return markUnreachable(objects, NOW).doomed.map(({ kind, key }) => `${kind} ${key}`);
}

test('an image keeps its target, and what the labels of content name', () => {
  const kept = [
    object('image a', ['content manifest']),
    object('content manifest', [], {
      'ref.content.config': 'config',
      'ref.content.l.0': 'layer',
      'ref.content/x': 'x',
    }),
    object('content config', [], { 'ref.snapshot.overlayfs': 'top', 'ref.snapshot.native/second': 'other' }),
    object('content layer'),
    object('content x', [], { 'ref.image': 'second' }),
    object('snapshot overlayfs/top', ['snapshot overlayfs/base']),
    object('snapshot overlayfs/base'),
    object('snapshot native/other'),
    object('image second', ['content lost'], { expire: PAST }),
  ];
  assert.deepEqual(doomed(...kept, object('content orphan'), object('snapshot overlayfs/orphan')), [
    'content orphan',
    'snapshot overlayfs/orphan',
  ]);
  assert.deepEqual(doomed(...kept.slice(1)).length, kept.length - 1);
});

test('labels that only begin like a reference are none', () => {
  assert.deepEqual(
    doomed(
      object('image a', [], { 'ref.contentment': 'x', 'ref.snapshot': 'x', 'ref.container.y': 'x' }),
      object('content x'),
    ),
    ['content x'],
  );
});

test('roots are images, leases, containers, held ingests and what is labelled so, unless expired', () => {
  const objects = [
    object('image now', ['content a']),
    object('image later', ['content b'], { expire: FUTURE }),
    object('image past', ['content c'], { expire: PAST }),
    object('image unreadable', ['content d'], { expire: 'tomorrow' }),
    object('lease now', ['content e', 'image past2', 'ingest f']),
    object('lease past', ['content g'], { expire: PAST }),
    object('container now', ['snapshot s/key'], { 'ref.content': 'h' }),
    object('image past2', [], { expire: PAST }),
    object('ingest f'),
    object('ingest held', [], {}, { held: true }),
    object('ingest late'),
    object('content root', [], { root: 'since then', 'ref.content': 'i' }),
    object('snapshot s/root', [], { 'root.of.mine': '' }),
    object('snapshot s/key'),
    ...['a', 'b', 'c', 'd', 'e', 'g', 'h', 'i'].map((key) => object(`content ${key}`)),
  ];
  assert.deepEqual(doomed(...objects).sort(), ['content c', 'content g', 'image past', 'ingest late', 'lease past']);
});

test('a flat lease keeps what it names, and no more', () => {
  const rest = [
    object('image a', ['content manifest'], { 'ref.content': 'extra', expire: PAST }),
    object('content manifest', [], { 'ref.content': 'layer' }),
    object('content layer'),
    object('content extra'),
    object('snapshot s/top', ['snapshot s/base'], { 'ref.content': 'extra' }),
    object('snapshot s/base'),
  ];
  const links = ['image a', 'snapshot s/top'];
  assert.deepEqual(doomed(object('lease l', links, { flat: 'x' }), ...rest), ['content extra', 'content layer']);
  assert.deepEqual(doomed(object('lease l', links), ...rest), []);
  assert.deepEqual(doomed(object('lease l', links, { flat: 'x' }), object('lease m', ['content manifest']), ...rest), [
    'content extra',
  ]);
});

test('a child can hang itself on its parent', () => {
  const children = [
    object('content c', [], { 'bref.container': 'box' }),
    object('snapshot s/x', [], { 'bref.image.why': 'a' }),
    object('content d', [], { 'bref.snapshot.s/y': 'x', 'bref.content': 'nobody' }),
  ];
  assert.deepEqual(doomed(object('container box'), object('image a'), ...children), []);
  assert.deepEqual(doomed(...children).length, 3);
});

test('namespaces do not keep each other', () => {
  const elsewhere = { namespace: 'other' };
  assert.deepEqual(doomed(object('image a', ['content x'], {}, elsewhere), object('content x')), ['content x']);
});

test('what is kept is exactly what a path of references leads to', () => {
  const size = 12;
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(edges, fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }), (arrows, roots) => {
      const objects = Array.from({ length: size }, (_, index) => {
        const labels: Record<string, string> = {};
        arrows.forEach(([from, to, backwards], number) => {
          if (backwards && to === index) labels[`bref.content.${number}`] = String(from);
          if (!backwards && from === index) labels[`ref.content.${number}`] = String(to);
        });
        if (roots.includes(index)) labels['root'] = 'x';
        return object(`content ${index}`, [], labels);
      });
      const reached = new Set(roots);
      for (let before = -1; before !== reached.size;) {
        before = reached.size;
        for (const [from, to] of arrows) if (reached.has(from)) reached.add(to);
      }
      const expected = objects.filter((_, index) => !reached.has(index)).map(({ key }) => `content ${key}`);
      assert.deepEqual(doomed(...objects).sort(), expected.sort());
    }),
  );
});

test('what refers to another goes before it, and snapshots last, children before their parents', () => {
  const order = doomed(
    object('snapshot s/base'),
    object('content layer'),
    object('content manifest', [], { 'ref.content.l.0': 'layer', 'ref.content.config': 'config' }),
    object('content config', [], { 'ref.snapshot.s': 'top' }),
    object('snapshot s/top', ['snapshot s/middle'], { 'ref.content': 'manifest' }),
    object('snapshot s/middle', ['snapshot s/base']),
    object('image late', ['content manifest'], { expire: PAST }),
  );
  const before = (first: string, second: string) => {
    assert.ok(order.indexOf(first) < order.indexOf(second), `${first} before ${second} in ${order.join(', ')}`);
  };
  before('image late', 'content manifest');
  before('content manifest', 'content layer');
  before('content manifest', 'content config');
  before('content config', 'snapshot s/top');
  before('snapshot s/top', 'snapshot s/middle');
  before('snapshot s/middle', 'snapshot s/base');
  assert.equal(order.length, 7);
});

test('labels may go in circles, and chains may be long', () => {
  const circle = doomed(
    object('content a', [], { 'ref.content': 'b' }),
    object('content b', [], { 'ref.content': 'a' }),
  );
  assert.deepEqual(circle.sort(), ['content a', 'content b']);
  const long = Array.from({ length: 50_000 }, (_, at) => object(`snapshot s/${at}`, [`snapshot s/${at + 1}`]));
  const order = doomed(...long);
  assert.deepEqual([order[0], order.at(-1)], ['snapshot s/0', 'snapshot s/49999']);
});
