import { constants } from 'node:os';
import { DaemonError } from '../base/errors.js';

const REALTIME_MIN = 34;
const REALTIME_MAX = 64;

/**
 * Reads a signal as kill(1) takes it: `TERM`, `SIGTERM`, `15`, `RTMIN+3`.
 *
 * @returns Its number, 1 to 64.
 * @throws invalid-argument.
 */
export function parseSignal(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : numberOf(text.toUpperCase().replace(/^SIG/, ''));
  if (number !== undefined && number >= 1 && number <= REALTIME_MAX) return number;
  throw new DaemonError(
    'invalid-argument',
    `signal ${JSON.stringify(text)} is not known: give a name such as TERM or a number from 1 to 64`,
  );
}

function numberOf(name: string): number | undefined {
  const known = (constants.signals as Readonly<Record<string, number | undefined>>)[`SIG${name}`];
  if (known !== undefined) return known;
  const match = /^RTM(IN|AX)([+-]\d{1,2})?$/.exec(name);
  if (!match) return undefined;
  const number = (match[1] === 'IN' ? REALTIME_MIN : REALTIME_MAX) + Number(match[2] ?? 0);
  return number >= REALTIME_MIN && number <= REALTIME_MAX ? number : undefined;
}
