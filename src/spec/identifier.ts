import { DaemonError } from '../base/errors.js';

const GRAMMAR = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const LENGTH_MAX = 76;

/**
 * Checks the id of a namespace, container or process: letters and digits, with single `.`, `_` or `-` between them, at most 76
 * characters, as containerd has it. Such an id is safe as one path component.
 *
 * @param what Names the thing in the error, such as `container id`; it may be empty.
 * @throws invalid-argument.
 */
export function checkIdentifier(id: string, what: string): string {
  const named = `${what}${what === '' ? '' : ': '}identifier`;
  if (id === '') throw new DaemonError('invalid-argument', `${named} must not be empty: invalid argument`);
  if (id.length > LENGTH_MAX) {
    throw new DaemonError(
      'invalid-argument',
      `${named} ${JSON.stringify(id.slice(0, 80))} greater than maximum length (${LENGTH_MAX} characters): invalid argument`,
    );
  }
  if (!GRAMMAR.test(id)) {
    throw new DaemonError(
      'invalid-argument',
      `${named} ${JSON.stringify(id)} must match ${GRAMMAR.source}: invalid argument`,
    );
  }
  return id;
}
