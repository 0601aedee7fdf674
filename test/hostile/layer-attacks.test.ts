import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, type Plugin } from 'esbuild';
import type { AttackOutcome } from '../../src/core/selftest/selftest.js';
import { GUARDS, type Guard } from '../../src/selftest/guards.js';
import { output, run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';
import { MUTANTS, type Mutation } from './mutants.js';

const ROWS = Array.from({ length: 14 }, (_, at) => `S${at + 1}`);
const ATTACKS_A_ROW = 6;
const ATTACKS = 150;
/** A mutant that goes on forever is one that was found. */
const MUTANT_MS = 5000;
/** Beside build/native, where the addon is looked for. */
const BUNDLES = join(process.cwd(), 'build/mutants');

/** Bundles the run of the attacks with some of its sources changed. */
async function bundle(name: string, mutations: readonly Mutation[]): Promise<string> {
  const outfile = join(BUNDLES, `${name}.mjs`);
  const mutate: Plugin = {
    name: 'mutate',
    setup(bundler) {
      for (const { file, changes } of mutations) {
        const path = join(process.cwd(), file);
        bundler.onLoad({ filter: new RegExp(`^${path.replaceAll(/[.+]/g, '\\$&')}$`) }, async () => {
          let text = await readFile(path, 'utf8');
          for (const [from, to] of changes) {
            assert.equal(text.split(from).length, 2, `${file} has to have this once: ${from}`);
            text = text.replace(from, () => to);
          }
          return { contents: text, loader: 'ts' };
        });
      }
    },
  };
  await build({
    entryPoints: ['test/hostile/attack-run.ts'],
    outfile,
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'error' },
    plugins: [mutate],
  });
  return outfile;
}

/** A root of its own: whatever a mutant writes, wherever, is gone with it. */
const CONTAINED = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
mount --rbind /proc "$0/root/proc"
mount --rbind /dev "$0/root/dev"
mount -t tmpfs tmpfs "$0/root/tmp"
mkdir -p "$0/root$PWD"
mount --bind "$PWD" "$0/root$PWD"
mount -o remount,bind,ro "$0/root$PWD"
exec chroot "$0/root" "$@"`;

/** @returns Undefined when it did not end as it should. */
async function outcomesOf(program: string, guard: Guard): Promise<AttackOutcome[] | undefined> {
  await using dir = await tempDir();
  const args = ['--mount', 'sh', '-c', CONTAINED, dir.path, process.execPath, program, guard];
  const { code, stdout } = await run('unshare', args, { timeoutMs: MUTANT_MS }).catch(() => ({ code: 1, stdout: '' }));
  return code === 0 ? (JSON.parse(String(stdout)) as AttackOutcome[]) : undefined;
}

test('every hostile layer is held, by what it names', async (t) => {
  t.after(() => rm(BUNDLES, { recursive: true, force: true }));
  await mkdir(BUNDLES, { recursive: true });
  const whole = await bundle('whole', []);
  const outcomes = JSON.parse(await output(process.execPath, [whole], { timeoutMs: 120_000 })) as AttackOutcome[];
  const names = new Set(outcomes.map(({ row, name }) => `${row} ${name}`));
  await t.test('the list is long enough', () => {
    assert.ok(names.size >= ATTACKS, `${names.size} attacks`);
    for (const row of ROWS) {
      const count = [...names].filter((name) => name.startsWith(`${row} `)).length;
      assert.ok(count >= ATTACKS_A_ROW, `${row} has ${count} attacks`);
    }
    assert.deepEqual(new Set(outcomes.map(({ guard }) => guard)), new Set(Object.keys(GUARDS)));
  });
  for (const { row, name, form, complaints } of outcomes) {
    await t.test(`${row}, ${form}: ${name}`, () => {
      assert.deepEqual(complaints, []);
    });
  }
  for (const guard of Object.keys(MUTANTS) as Guard[]) {
    await t.test(`without the guard ${guard}, an attack gets through`, async () => {
      const found = await outcomesOf(await bundle(guard, MUTANTS[guard]), guard);
      if (found === undefined) return;
      assert.notEqual(found.length, 0);
      assert.ok(
        found.some(({ complaints }) => complaints.length > 0),
        'all attacks are held without it',
      );
    });
  }
  await t.test('contained, with all guards, they are held as well', async () => {
    const found = await outcomesOf(whole, 'links-inside');
    assert.ok(found !== undefined && found.length > 10);
    assert.deepEqual(
      found.filter(({ complaints }) => complaints.length > 0),
      [],
    );
  });
});
