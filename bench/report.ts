import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { output } from '../test/support/run.js';
import { median, type Reading, type TimedFigure } from './figures.js';

/** One line of the report. */
export interface Row {
  readonly figure: string;
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: number;
  readonly target: number | undefined;
  /** Instead of a ratio: what our own value has to be. */
  readonly limit?: { readonly text: string; readonly met: boolean };
}

/** Rows for wall and CPU time, medians of the rounds. */
export function compareTimes(
  figure: Pick<TimedFigure, 'name' | 'wallTarget' | 'cpuTarget'>,
  ours: readonly Reading[],
  theirs: readonly Reading[],
): Row[] {
  const row = (kind: 'wall' | 'cpu', target: number | undefined): Row => {
    const a = median(ours.map((reading) => reading[kind]));
    const b = median(theirs.map((reading) => reading[kind]));
    return { ...secondsRow(`${figure.name}, ${kind === 'wall' ? 'wall' : 'CPU'}`, a, b), target };
  };
  return [row('wall', figure.wallTarget), row('cpu', figure.cpuTarget)];
}

/** A row of seconds. */
export function secondsRow(figure: string, ours: number, theirs: number, limit?: Row['limit']): Row {
  const text = (value: number) => `${value.toFixed(3)} s`;
  return {
    ...{ figure, ours: text(ours), theirs: text(theirs), ratio: ours / theirs, target: undefined },
    ...(limit && { limit }),
  };
}

interface Memory {
  readonly daemon: number;
  readonly perContainer: number;
}

/** Rows for memory (PSS). */
export function compareMemory(ours: Memory, theirs: Memory): Row[] {
  const row = (figure: string, a: number, b: number, target?: number): Row => ({
    figure,
    ours: megabytes(a),
    theirs: megabytes(b),
    ratio: a / b,
    target,
  });
  return [
    row('daemon, memory (PSS)', ours.daemon, theirs.daemon),
    row('per container, memory of helpers (PSS)', ours.perContainer, theirs.perContainer, 0.15),
  ];
}

/** Prints the rows, and writes them to a page where one is given. */
export async function report(rows: readonly Row[], path: string | undefined): Promise<void> {
  const table = rows.map((row) => [
    row.figure,
    row.ours,
    row.theirs,
    Number.isFinite(row.ratio) ? `${row.ratio.toFixed(2)} ×` : '–',
    targetOf(row),
    verdictOf(row),
  ]);
  const head = ['figure', 'wharfd', 'containerd 1.6.20', 'ratio', 'target', 'verdict'];
  const lines = [head, head.map(() => '---'), ...table].map((cells) => `| ${cells.join(' | ')} |`);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (path === undefined) return;
  const commit = (await output('git', ['rev-parse', '--short', 'HEAD'])).trim();
  const machine = `${cpus().length} processors, Linux ${(await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim()}`;
  const page = [
    '# Benchmarks',
    '',
    `\`make bench\` at commit ${commit} on ${machine}. Both engines in one run, taking turns; medians; the ratio is ours to`,
    'theirs, less is better. Each has its root directory on a fresh journaled ext4 in a loop file. CPU time is that of daemon,',
    'client and all that they start; memory is the proportional set size.',
    '',
    ...lines,
    '',
  ];
  await writeFile(path, page.join('\n'));
}

function targetOf({ limit, target }: Row): string {
  if (limit) return limit.text;
  return target === undefined ? '–' : `≤ ${target} ×`;
}

function verdictOf(row: Row): string {
  if (row.limit) return row.limit.met ? 'met' : 'missed';
  if (row.target === undefined) return 'no target yet';
  return row.ratio <= row.target ? 'met' : 'missed';
}

/** Bytes as text. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(2)} MiB`;
}
