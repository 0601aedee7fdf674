import { Option } from 'commander';
import { DaemonError } from '../../base/errors.js';

/** One option of a command, and what its text becomes. */
export interface OptionSpec<Value> {
  /** As commander has it: `-q, --quiet` or `--env <name=value>`. */
  readonly flags: string;
  readonly summary: string;
  readonly repeated: boolean;
  readonly parse: (texts: readonly string[]) => Value;
}

/** The values that a table of options gives. */
export type OptionValues<Specs extends Readonly<Record<string, OptionSpec<unknown>>>> = {
  readonly [Key in keyof Specs]: Specs[Key] extends OptionSpec<infer Value> ? Value : never;
};

/** An option without a value. */
export function flag(flags: string, summary: string): OptionSpec<boolean> {
  return { flags, summary, repeated: false, parse: (texts) => texts.length > 0 };
}

/** An option with a text; the last one counts. */
export function text(flags: string, summary: string): OptionSpec<string | undefined>;
export function text<Value>(
  flags: string,
  summary: string,
  parse: (text: string) => Value,
): OptionSpec<Value | undefined>;
export function text<Value>(
  flags: string,
  summary: string,
  parse?: (text: string) => Value,
): OptionSpec<Value | string | undefined> {
  return {
    flags,
    summary,
    repeated: false,
    parse: (texts) => {
      const last = texts.at(-1);
      return last === undefined ? undefined : (parse?.(last) ?? last);
    },
  };
}

/** An option that may be given several times. */
export function list(flags: string, summary: string): OptionSpec<readonly string[]> {
  return { flags, summary, repeated: true, parse: (texts) => texts };
}

/** The option as commander knows it; its values are gathered as texts and parsed by the spec. */
export function toCommander(spec: OptionSpec<unknown>): Option {
  const option = new Option(spec.flags, spec.summary);
  if (option.required || option.optional) {
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  }
  // Commander would take `--no-x` as x being false.
  if (option.negate) option.default(false).preset(true);
  return option;
}

/** What commander kept for an option, as texts. */
export function textsOf(value: unknown): readonly string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return ['true'];
  return Array.isArray(value) ? value.map(String) : [];
}

const DURATION = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/**
 * Reads a duration such as `1m30s`, `500ms`, or a number of seconds.
 *
 * @returns Milliseconds.
 * @throws invalid-argument.
 */
export function parseDurationMs(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const match = DURATION.exec(text);
  if (text === '' || !match) {
    throw new DaemonError(
      'invalid-argument',
      `duration ${JSON.stringify(text)} is not of the form 90s, 1m30s or 500ms`,
    );
  }
  const [hours, minutes, seconds, milliseconds] = match.slice(1).map((part) => Number(part));
  const sum = (hours || 0) * 3_600_000 + (minutes || 0) * 60_000 + (seconds || 0) * 1000 + (milliseconds || 0);
  return Math.round(sum);
}

/** Reads a count of bytes or the like. @throws invalid-argument: no whole number from 0 to 2^53-1. */
export function parseCount(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new DaemonError('invalid-argument', `${JSON.stringify(text)} is not a whole number`);
}
