import { DaemonError } from '../../base/errors.js';

/**
 * Which container a command is about: the one of `--id`, all positionals being the rest then; else the first positional.
 *
 * @throws invalid-argument: neither is there.
 */
export function targetOf(
  id: string | undefined,
  args: readonly string[],
): { readonly id: string; readonly rest: readonly string[] } {
  if (id !== undefined) return { id, rest: args };
  const [first, ...rest] = args;
  if (first === undefined) {
    throw new DaemonError('invalid-argument', 'which container? Give its id ("ctr list" shows them)');
  }
  return { id: first, rest };
}
