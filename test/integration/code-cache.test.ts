import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { output } from '../support/run.js';

/** Prints whether V8 takes the cache of a bundle. */
const LOOK = `
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const [bundle, cache] = process.argv.slice(1);
const script = new Script(readFileSync(bundle, 'latin1'), { filename: bundle, cachedData: readFileSync(cache) });
console.log(script.cachedDataRejected ? 'refused' : 'taken');
`;

/** The options of node in a launcher. */
async function optionsOf(launcher: string): Promise<readonly string[]> {
  const text = await readFile(join(PACKAGE_ROOT, 'bin', launcher), 'utf8');
  return text.split(' ').filter((word) => word.startsWith('--'));
}

for (const [launcher, name] of [
  ['dist', 'build/cli/dist'],
  ['ctr', 'build/cli/ctr'],
  ['wharfd', 'build/daemon/worker'],
] as const) {
  test(`V8 takes the code cache of ${name} by the options that ${launcher} gives it, and refuses it by others`, async () => {
    const options = await optionsOf(launcher);
    const files = [join(PACKAGE_ROOT, `${name}.bundle.js`), join(PACKAGE_ROOT, `${name}.cache`)];
    assert.equal((await output(process.execPath, [...options, '-e', LOOK, ...files])).trim(), 'taken');
    assert.equal((await output(process.execPath, [...options, '--no-opt', '-e', LOOK, ...files])).trim(), 'refused');
  });
}
