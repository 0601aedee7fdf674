import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { unmountBelow } from './mount-table.js';

/** A folder that is removed with all that is in it when the scope or the test ends. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes an empty folder, mode 0700. With `t` it is removed at the end of that test, otherwise by `await using`;
 * doing both is fine.
 *
 * @throws Error on disposal when something is still mounted below it: it is unmounted then, and the test fails.
 */
export async function tempDir(t?: TestContext, prefix = 'wharfd-test-'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  let removed = false;
  const remove = async (): Promise<void> => {
    if (removed) return;
    removed = true;
    // Removing through a mount would remove what is mounted.
    const left = await unmountBelow(path);
    await rm(path, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left mounted below ${path}: ${left.join(' ')}`);
  };
  t?.after(remove);
  return { path, [Symbol.asyncDispose]: remove };
}
