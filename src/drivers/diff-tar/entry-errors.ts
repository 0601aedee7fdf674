import { DaemonError, kindOf, messageOf } from '../../base/errors.js';
import { quotePath } from './entry-path.js';

const MAJOR_MAX = 0xfff;
const MINOR_MAX = 0xfffff;

/** An error with the name of the entry that it is about. */
export function explainEntry(cause: unknown, name: Buffer): DaemonError {
  return new DaemonError(kindOf(cause), `layer entry ${quotePath(name)}: ${messageOf(cause)}`, { cause });
}

/** What a copy meets where it may replace nothing. */
export function inTheWay(what: string): DaemonError {
  return new DaemonError('failed-precondition', `${what} has its name: remove that first`);
}

/** @throws invalid-argument: no number that a device can have, or overlayfs's mark of a deletion. */
export function checkDevice({ major, minor }: { major: number; minor: number }, type: 'char' | 'block'): void {
  if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX) {
    throw new DaemonError('invalid-argument', `the device number ${major}:${minor} is out of range`);
  }
  if (type === 'char' && major === 0 && minor === 0) {
    throw new DaemonError(
      'invalid-argument',
      "a character device 0:0, which is overlayfs's own mark of a deleted file",
    );
  }
}
