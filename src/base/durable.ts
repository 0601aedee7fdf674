import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultPoint } from './fault-point.js';

/** Makes the entries of a directory durable: names that were created, renamed or removed in it. */
export async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
    faultPoint('the names in a directory are flushed');
  } finally {
    await directory.close();
  }
}

/** Writes a small file so that after a power cut it is there whole, or the former one is. */
export async function writeDurably(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', mode);
  try {
    await file.writeFile(data);
    await file.sync();
    faultPoint('the draft of a file is flushed');
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  } finally {
    await file.close();
  }
  await rename(draft, path);
  faultPoint('a file has its name');
  await flushDirectory(dirname(path));
}
