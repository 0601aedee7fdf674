import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestDaemon } from './daemon.js';
import { PACKAGE_ROOT } from './package-root.js';

/** Settings under which a daemon's log tells of every call. */
export const TELLING_CALLS = { log_level: 'debug' } as const;

const CALLS = join(PACKAGE_ROOT, 'test/clients/calls');

/** Methods that other processes have called on a daemon with `TELLING_CALLS`, sorted. */
export function calledMethods({ log }: Pick<TestDaemon, 'log'>): string[] {
  const calls = log.filter(({ msg, method, pid }) => msg.startsWith('call') && method && pid !== process.pid);
  return [...new Set(calls.map(({ method }) => String(method)))].sort();
}

/**
 * Checks that what a client calls is what docs/compatibility.md says; with `WHARFD_RECORD_CALLS=1` it writes that down instead.
 *
 * @param name Of the file in test/clients/calls.
 */
export async function checkCalls(name: string, called: readonly string[]): Promise<void> {
  const path = join(CALLS, `${name}.json`);
  const { client, methods } = JSON.parse(await readFile(path, 'utf8')) as { client: string; methods: string[] };
  if (process.env.WHARFD_RECORD_CALLS === '1') {
    const all = [...new Set([...methods, ...called])].sort();
    await writeFile(path, `${JSON.stringify({ client, methods: all }, undefined, 2)}\n`);
    return;
  }
  const unknown = called.filter((method) => !methods.includes(method));
  const advice = `${client}: run this test with WHARFD_RECORD_CALLS=1, then scripts/compatibility.ts`;
  assert.deepEqual(unknown, [], advice);
  assert.ok(called.length >= methods.length / 2, `${client}: only ${called.length} of ${methods.length} were called`);
}
