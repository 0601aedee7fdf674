import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

for (const [program, page] of [
  [dist, 'docs/images.md'],
  [ctr, 'docs/containers.md'],
] as const) {
  test(`docs: ${page} has every command of ${program.name}, and no other`, async () => {
    const text = await readFile(join(PACKAGE_ROOT, page), 'utf8');
    const rows = [...text.matchAll(new RegExp(`^\\| \`${program.name} ((?:[a-z-]+ ?)+)`, 'gm'))];
    const described = rows.map(([, words = '']) => words.trim());
    const there = program.commands.map(({ usage }) =>
      usage
        .split(' ')
        .filter((word) => /^[a-z]/.test(word))
        .join(' '),
    );
    assert.deepEqual(described.sort(), there.sort());
  });
}

test('docs: every page and file that the README names is there', async () => {
  const text = await readFile(join(PACKAGE_ROOT, 'README.md'), 'utf8');
  for (const [, path = ''] of text.matchAll(/\]\(([^):]+)\)/g)) await readFile(join(PACKAGE_ROOT, path));
  const makefile = await readFile(join(PACKAGE_ROOT, 'Makefile'), 'utf8');
  const targets = [...text.matchAll(/\bmake ([a-z-]+)/g)].map(([, target = '']) => target);
  assert.ok(targets.length > 3);
  for (const target of new Set(targets)) assert.match(makefile, new RegExp(`^${target}:`, 'm'));
});
