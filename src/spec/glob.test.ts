import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesGlob } from './glob.js';

test('glob: a star stays within a path component, two go beyond, and the whole text counts', () => {
  const cases: [string, string, boolean][] = [
    ['docker.io/library/*', 'docker.io/library/redis', true],
    ['docker.io/library/*', 'docker.io/library/a/b', false],
    ['docker.io/**', 'docker.io/library/a/b', true],
    ['**', 'anything/at:all', true],
    ['**/app', 'a/b/app', true],
    ['**/app', 'a/b/apps', false],
    ['a.c', 'abc', false],
    ['', '', true],
    ['', 'a', false],
    ['a*b**c', 'axxb/y/zc', true],
    ['a*b**c', 'ax/b/y/zc', false],
    ['https://example/*@refs/heads/*', 'https://example/x@refs/heads/main', true],
  ];
  for (const [pattern, text, fits] of cases) assert.equal(matchesGlob(pattern, text), fits, `${pattern} ${text}`);
});

test('glob: patterns made to take long do not', () => {
  assert.equal(matchesGlob(`${'**a'.repeat(100)}b`, 'a'.repeat(2000)), false);
});
