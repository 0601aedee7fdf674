import { MultiBar } from 'cli-progress';
import type { Io, Terminal } from './io.js';
import { oneLine } from './out.js';
import { ProgressRows, rowOf, type ProgressRow } from './progress-rows.js';
import { formatBytes } from './units.js';

const BAR_WIDTH = 40;
const REDRAWS_PER_SECOND = 10;
const GREEN = '\u001b[32m';
const PLAIN = '\u001b[0m';
/** For a key with a sha256 digest, the longest status, the bar and two sizes. */
const WHOLE_DIGEST_COLUMNS = 156;
const LONG_HEX = /([0-9a-f]{12})[0-9a-f]{52,}/;

/** Shows the jobs of a pull until disposed. */
export interface ProgressDisplay extends Disposable {
  readonly update: (report: Parameters<typeof rowOf>[0]) => void;
}

/** Bars on a terminal, else a line for each change of a status. */
export function showProgress(io: Io, now: () => number = () => performance.now()): ProgressDisplay {
  return io.progressTerminal ? barDisplay(io, io.progressTerminal, now) : lineDisplay(io, now);
}

function lineDisplay(io: Io, now: () => number): ProgressDisplay {
  const rows = new ProgressRows();
  const startedMs = now();
  return {
    update(report) {
      const row = rowOf(report);
      if (rows.update(row)) io.stdout.write(`${describeRow(row)}\n`);
    },
    [Symbol.dispose]() {
      if (rows.all().length > 0) io.stdout.write(`${footer(rows, now() - startedMs)}\n`);
    },
  };
}

function barDisplay(io: Io, terminal: Terminal, now: () => number): ProgressDisplay {
  const rows = new ProgressRows();
  const startedMs = now();
  const bars = new MultiBar({
    stream: io.stdout,
    fps: REDRAWS_PER_SECOND,
    forceRedraw: true,
    hideCursor: true,
    linewrap: false,
    emptyOnZero: true,
    gracefulExit: false,
    autopadding: false,
    stopOnComplete: false,
    format: (_options, _params, payload: { line?: string }) => payload.line ?? '',
  });
  const slots = [bars.create(1, 0, { line: '' })];
  const lay = () => {
    const { columns, rows: height } = terminal.size();
    const visible = rows.visible(Math.max(1, height - 2));
    while (slots.length < visible.length + 1) slots.push(bars.create(1, 0, { line: '' }));
    const lines = [...drawRows(visible, columns), footer(rows, now() - startedMs)];
    for (const [at, slot] of slots.entries()) slot.update(0, { line: lines[at] ?? '' });
  };
  const clock = setInterval(() => {
    lay();
  }, 1000 / REDRAWS_PER_SECOND);
  return {
    update(report) {
      rows.update(rowOf(report));
    },
    [Symbol.dispose]() {
      clearInterval(clock);
      lay();
      bars.stop();
    },
  };
}

/**
 * Lines `<key>: <status> |++++----| <done>/<total>`, the bars below each other. On a terminal too narrow for whole digests they are
 * shortened, as git does it, in all lines alike.
 */
export function drawRows(rows: readonly ProgressRow[], columns: number): readonly string[] {
  const short = columns < WHOLE_DIGEST_COLUMNS;
  const heads = rows.map(({ key, status }) => `${oneLine(short ? key.replace(LONG_HEX, '$1') : key)}: ${status}`);
  const width = Math.max(0, ...rows.map((row, at) => (row.total > 0 ? (heads[at]?.length ?? 0) : 0)));
  return rows.map((row, at) => drawRow(row, heads[at] ?? '', width));
}

function drawRow(row: ProgressRow, head: string, width: number): string {
  if (row.note !== undefined) return `${head} (${oneLine(row.note)})`;
  if (row.total <= 0) return head;
  const share = Math.min(1, row.status === 'done' || row.status === 'exists' ? 1 : row.offset / row.total);
  const full = Math.round(share * BAR_WIDTH);
  const bar = `${GREEN}${'+'.repeat(full)}${PLAIN}${'-'.repeat(BAR_WIDTH - full)}`;
  const offset = share === 1 ? row.total : row.offset;
  return `${head.padEnd(width)} |${bar}| ${formatBytes(offset)}/${formatBytes(row.total)}`;
}

function describeRow(row: ProgressRow): string {
  const size = row.total > 0 ? ` ${formatBytes(row.total)}` : '';
  return `${oneLine(row.key)}: ${row.status}${row.note === undefined ? size : ` (${oneLine(row.note)})`}`;
}

function footer(rows: ProgressRows, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const rate = formatBytes(Math.round(seconds > 0 ? rows.freshBytes() / seconds : 0));
  return `elapsed: ${seconds.toFixed(1)} s  total: ${formatBytes(rows.totalBytes())}  (${rate}/s)`;
}
