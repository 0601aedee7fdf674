import type { Io } from '../shared/io.js';
import { flag, list, text } from '../shared/options.js';
import { DETACH_KEYS, parseDetachKeys } from './detach-keys.js';

/** The keys that leave a process on a terminal to itself. */
export const DETACH_OPTION = text(
  '--detach-keys <keys>',
  `leave the process to itself (${DETACH_KEYS} otherwise; "" for none)`,
  parseDetachKeys,
);

/** Options about a process, the same for `run` and `exec`. */
export const PROCESS_OPTIONS = {
  tty: flag('-t, --tty', 'a terminal for the process'),
  detach: flag('-d, --detach', 'do not wait for it'),
  env: list('-e, --env <name=value>', 'set a variable (a name alone takes its value from here)'),
  cwd: text('--cwd <dir>', 'working directory in the container'),
  detachKeys: DETACH_OPTION,
  user: text('-u, --user <user[:group]>', 'by name or number'),
};

interface ProcessValues {
  readonly tty: boolean;
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
}

/** The process part of a request. */
export function processOf(values: ProcessValues, args: readonly string[], io: Io) {
  return {
    args: [...args],
    env: values.env.map((entry) => withValue(entry, io)),
    cwd: values.cwd ?? '',
    user: values.user ?? '',
    terminal: values.tty,
  };
}

function withValue(entry: string, io: Io): string {
  if (entry.includes('=')) return entry;
  const value = io.env[entry];
  return value === undefined ? entry : `${entry}=${value}`;
}
