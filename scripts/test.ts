/**
 * Runs every test file by node:test, over a list that is found here (Node 20 takes lists, not patterns).
 * Arguments, if any, choose files by a part of their path: `node --import tsx scripts/test.ts content-local`.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

function testFilesUnder(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const wanted = process.argv.slice(2);
const files = ['src', 'test']
  .flatMap(testFilesUnder)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`);
  process.exit(1);
}

// The long tests take their time at full size.
const fileMinutes = process.env['WHARFD_TEST_FULL'] === '1' ? 30 : 10;
const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
const run = spawn(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${fileMinutes * 60_000}`,
    ...reporters,
    ...files,
  ],
  {
    stdio: 'inherit',
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => run.kill(signal));
run.once('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
