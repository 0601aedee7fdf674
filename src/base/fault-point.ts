import { accessSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names a directory while tests look for what a sudden death leaves behind; nobody else sets it. */
const DIRECTORY = process.env['WHARFD_FAULT_POINTS'];

/**
 * Stands after every effect that outlives the process (a flush, rename, link, removal, transaction, mount), so that between two of
 * them there is always a point where a test can kill the daemon. Costs nothing unless the tests' variable is set.
 *
 * A file of that name in the tests' directory says how often the point is passed before the process kills itself there. Whoever
 * traces system calls sees each passing as an `access` of the file.
 *
 * @param name What has just become durable, as a sentence.
 */
export const faultPoint: (name: string) => void =
  DIRECTORY === undefined
    ? () => undefined
    : (name) => {
        pass(join(DIRECTORY, name));
      };

function pass(armed: string): void {
  try {
    accessSync(armed);
  } catch {
    return; // nobody waits here
  }
  const left = readFileSync(armed, 'utf8');
  if (left === '0') process.kill(process.pid, 'SIGKILL');
  // Empty while another thread writes it.
  if (left !== '') writeFileSync(armed, String(Number(left) - 1));
}
