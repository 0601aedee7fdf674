import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldOfMap, parseFilters, type FieldOf } from './filter.js';

const OBJECTS: readonly { readonly name: string; readonly other?: string; readonly labels?: Record<string, string> }[] =
  [
    { name: 'foo', labels: { foo: 'true' } },
    { name: 'bar' },
    { name: 'foo', labels: { foo: 'present', 'more complex label': 'present' } },
    { name: 'bar', labels: { bar: 'true' } },
    { name: 'fooer', labels: { 'quoted \\ and "': 'present' } },
    { name: 'fooer', labels: { 'quoted \\ and ".post': 'present' } },
    { name: 'baz', other: 'too complex, yo' },
    { name: 'bazo', other: 'abc' },
    { name: 'compound', labels: { foo: 'omg_asdf.asdf-qwer' } },
  ];

function fields(object: (typeof OBJECTS)[number]): FieldOf {
  return ([head, ...rest]) => {
    if (head === 'name') return object.name;
    if (head === 'other') return object.other;
    return head === 'labels' ? fieldOfMap(object.labels, rest) : undefined;
  };
}

const matches = (...filters: string[]) => {
  const filter = parseFilters(filters);
  return OBJECTS.flatMap((object, index) => (filter(fields(object)) ? [index] : []));
};

const ALL = OBJECTS.map((_, index) => index);

test('filters choose what containerd chooses', () => {
  const cases: readonly [string, readonly number[]][] = [
    ['', ALL],
    ['name', ALL],
    ['labels.foo', [0, 2, 8]],
    ['labels.foo,name', [0, 2, 8]],
    ['labels.foo==true', [0]],
    ['labels.foo==omg_asdf.asdf-qwer', [8]],
    ['name==bar', [1, 3]],
    ['name == bar', [1, 3]],
    ['name!=bar', [0, 2, 4, 5, 6, 7, 8]],
    ['other!=abc', [0, 1, 2, 3, 4, 5, 6, 8]],
    ['name==bar,labels.bar', [3]],
    ['other=="too complex, yo"', [6]],
    ['other~=[abc]+,name!=foo', [6, 7]],
    ['other~=/[abc]+/,name!=foo', [6, 7]],
    ['other~=|^abc$|', [7]],
    ['other~=/[abc]{1,2}/,name!=foo', [6, 7]],
    ['other~=/[abc]{0,1}"\\//,name!=foo', []],
    ['name==bar,labels.bar==wrong', []],
    ['name==foo,labels."more complex label"', [2]],
    ['labels."quoted \\\\ and \\""==present', [4]],
    ['labels."quoted \\\\ and \\"".post==present', [5]],
    ['name=="\\x66\\157o"', [0, 2]],
    ['name~=(', []],
  ];
  for (const [filter, expected] of cases) assert.deepEqual(matches(filter), expected, filter);
  assert.deepEqual(matches('name==foo', 'name==bar'), [0, 1, 2, 3]);
  assert.deepEqual(matches(), ALL);
});

test('a broken filter is told with its place', () => {
  const cases: readonly [string, string][] = [
    ['labels.|foo|==x', '[labels. >|||< foo|==x]: invalid quote encountered'],
    ['labels.?"a".post==x', '[labels. >|?|< "a".post==x]: expected field or quoted'],
    ['name==foo,', '[name==foo,]: expected field or quoted'],
    ['labels.', '[labels.]: expected field or quoted'],
    ['image~=,id?=?fbaq', '[image~= >|,|< id?=?fbaq]: expected value or quoted'],
    ['labels.ns/key==value', '[labels.ns >|/|< key==value]: quoted literal not terminated'],
    ['labels.key==/value', '[labels.key== >|/|< value]: quoted literal not terminated'],
    ['name=foo', '[name >|=|< foo]: unsupported operator "="'],
    ['name=="\\d"', '[name== >|"|< \\d"]: illegal escape sequence'],
  ];
  for (const [filter, text] of cases) {
    const expected = { kind: 'invalid-argument', message: `filters: parse error: ${text}: invalid argument` };
    assert.throws(() => parseFilters([filter]), expected, filter);
  }
});

test('whatever is quoted is found again, and no text makes the parser do anything but answer or refuse', () => {
  const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (key, value) => {
      const labels = Object.fromEntries([[key, value]]);
      const filter = parseFilters([`labels.${quote(key)}==${quote(value)}`]);
      return filter(([, ...rest]) => fieldOfMap(labels, rest));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('ab.,=!~"/|\\ x0(\0é')) }), (text) => {
      try {
        parseFilters([text])(() => 'ab');
      } catch (error) {
        assert.equal((error as { kind?: string }).kind, 'invalid-argument');
      }
    }),
    { numRuns: 2000 },
  );
});

test('an expression of exponential cost elsewhere is answered at once', () => {
  const filter = parseFilters(['name~=^(a+)+$']);
  assert.equal(
    filter(() => `${'a'.repeat(50_000)}b`),
    false,
  );
});
