import { DaemonError } from '../../../base/errors.js';
import { flag } from '../../shared/options.js';
import type { Out } from '../../shared/out.js';

/** Options of every list. */
export const LIST_OPTIONS = {
  quiet: flag('-q, --quiet', 'names only'),
  json: flag('--json', 'a JSON object for each, a line each'),
};

/** One of a list: its name, its cells under the heading, and all of it. */
export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
  readonly value: object;
}

/** Prints a list as a table, as names, or as JSON. */
export function showList(
  out: Out,
  { quiet, json }: { readonly quiet: boolean; readonly json: boolean },
  heading: readonly string[],
  rows: readonly Row[],
): number {
  if (json) for (const { value } of rows) out.line(JSON.stringify(value));
  else if (quiet) for (const { name } of rows) out.line(name);
  else out.table([heading, ...rows.map(({ cells }) => cells)]);
  return 0;
}

/** Prints one thing as JSON, for people. */
export function showObject(out: Out, value: object): number {
  out.line(JSON.stringify(value, undefined, 2));
  return 0;
}

/** `a=b,c=d`, sorted; `-` for none. */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.sort().join(',') || '-';
}

/** Reads `key=value` words; `key=` takes a label away. @throws invalid-argument. */
export function parseLabels(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => {
    const at = word.indexOf('=');
    if (at <= 0)
      throw new DaemonError('invalid-argument', `label ${JSON.stringify(word)} is not of the form key=value`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** The field paths that change just these labels. */
export const labelPaths = (labels: Readonly<Record<string, string>>): string[] =>
  Object.keys(labels).map((key) => `labels.${key}`);

/** A positional that the usage says is there. */
export function nth(args: readonly string[], at: number): string {
  const arg = args[at];
  if (arg === undefined) throw new DaemonError('invalid-argument', 'an argument is missing');
  return arg;
}
