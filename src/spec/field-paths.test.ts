import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { updateLabels, updateMap } from './field-paths.js';

test('a path names the map, one of its entries, or something else', () => {
  const update = { field: 'labels', current: { a: '1', 'b.c': '2' }, given: { a: '3', 'b.c': '' } };
  assert.deepEqual(updateMap('labels', update), { a: '3', 'b.c': '' });
  assert.deepEqual(updateMap('labels.a', update), { 'b.c': '2', a: '3' });
  assert.deepEqual(updateMap('labels.b.c', update), { a: '1' });
  assert.deepEqual(updateMap('labels.z', update), { a: '1', 'b.c': '2' });
  assert.equal(updateMap('label', update), undefined);
  assert.equal(updateMap('labelsx', update), undefined);
});

test('keys that mean something to JavaScript are keys like others', () => {
  const given = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
  const updated = updateLabels('x', { current: {}, given }, [
    'labels.__proto__',
    'labels.constructor',
    'labels.toString',
  ]);
  assert.deepEqual(Object.entries(updated), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('updating by every path there is replaces all that has a value', () => {
  const labels = fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(labels, labels, (current, given) => {
      const paths = Object.keys({ ...current, ...given }).map((key) => `labels.${key}`);
      assert.deepEqual({ ...updateLabels('x', { current, given }, paths) }, { ...given });
    }),
  );
  assert.throws(() => updateLabels('thing "y"', { current: {}, given: {} }, ['size']), {
    kind: 'invalid-argument',
    message: 'cannot update "size" field on thing "y": invalid argument',
  });
});
