import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Doomed } from './doomed.js';
import type { GcObject } from './graph.js';
import { OwnerGraph, ownerId, tiesOf } from './owners.js';
import { markUnreachable } from './unreachable.js';

const NOW = Date.parse('2026-11-22T09:00:00Z');
const SIZE = 10;

/** Content 0 to 9: what each refers to, who it names as its owner, and whether it is a root. */
interface Shape {
  readonly refers: readonly (readonly [from: number, to: number])[];
  readonly owners: readonly (readonly [owned: number, owner: number])[];
  readonly roots: readonly number[];
  readonly gone: readonly number[];
}

const index = fc.nat(SIZE - 1);
const shape: fc.Arbitrary<Shape> = fc.record({
  refers: fc.array(fc.tuple(index, index), { maxLength: 14 }),
  owners: fc.array(fc.tuple(index, index), { maxLength: 4 }),
  roots: fc.array(index, { maxLength: 3 }),
  gone: fc.array(index, { maxLength: 2 }),
});

function objectsOf({ refers, owners, roots, gone }: Shape): ReadonlyMap<string, GcObject> {
  const objects = new Map<string, GcObject>();
  for (let at = 0; at < SIZE; at += 1) {
    if (gone.includes(at)) continue;
    const labels: Record<string, string> = {};
    refers.forEach(([from, to], label) => {
      if (from === at) labels[`containerd.io/gc.ref.content.${label}`] = `${to}`;
    });
    owners.forEach(([owned, owner], label) => {
      if (owned === at) labels[`containerd.io/gc.bref.content.${label}`] = `${owner}`;
    });
    if (roots.includes(at)) labels['containerd.io/gc.root'] = 'x';
    const object: GcObject = { kind: 'content', namespace: 'n', key: `${at}`, labels, links: [] };
    objects.set(ownerId(object), object);
  }
  return objects;
}

test('whatever is written after the marking, nothing goes that is needed by then', () => {
  fc.assert(
    fc.property(shape, shape, fc.array(index), (before, after, also) => {
      const then = objectsOf(before);
      const now = objectsOf(after);
      const doomed = new Doomed(markUnreachable(then.values(), NOW));
      const written = [...now].filter(([id, object]) => {
        const former = then.get(id);
        return former === undefined || JSON.stringify(former) !== JSON.stringify(object);
      });
      const more = also.map((at) => `content\0n\0${at}`);
      doomed.spare([...written.map(([id]) => id), ...more], (id) => {
        const object = now.get(id);
        return object && tiesOf(object);
      });
      const graph = new OwnerGraph(now.values());
      const needed = graph.reach(graph.roots(NOW));
      for (const node of doomed.next(SIZE)) assert.ok(!needed.has(ownerId(node)), `${node.key} is needed`);
    }),
    { numRuns: 2000 },
  );
});

test('what nobody has written to goes, part by part', () => {
  const objects = objectsOf({ refers: [[0, 1]], owners: [], roots: [9], gone: [] });
  const doomed = new Doomed(markUnreachable(objects.values(), NOW));
  doomed.spare([ownerId({ kind: 'content', namespace: 'n', key: '5' })], () => undefined);
  const first = doomed.next(3);
  assert.deepEqual(doomed.next(3), first);
  doomed.taken(first);
  const keys = [...first, ...doomed.next(SIZE)].map(({ key }) => key);
  assert.deepEqual(keys.sort(), ['0', '1', '2', '3', '4', '6', '7', '8']);
});
