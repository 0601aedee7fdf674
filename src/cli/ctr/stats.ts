import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../../base/errors.js';
import { containerStats, type ContainerStats } from '../../client/stats.js';
import { type CommandContext, defineCommand } from '../shared/command.js';
import { flag, parseDurationMs, text } from '../shared/options.js';
import { formatBytes } from '../shared/units.js';

const INTERVAL_MS = 1000;
const INTERVAL_MS_MIN = 100;
/** To the upper left corner, and all below it away (ECMA-48: CUP, ED). */
const CLEAR = '\u001b[H\u001b[J';
const HEADING = ['ID', 'CPU', 'MEMORY', 'LIMIT', 'PIDS', 'READ', 'WRITTEN'];

/** Two readings of one container, so that its use in between is known. */
interface Change {
  readonly before: ContainerStats;
  readonly now: ContainerStats;
}

export const stats = defineCommand({
  usage: 'stats [container...]',
  summary: 'Show what running containers use, again and again until Ctrl-C',
  details:
    'CPU is in percent of one processor since the last reading; memory is without the cache that can be dropped at once; what was read ' +
    'and written is counted since the start.',
  options: {
    noStream: flag('--no-stream', 'once'),
    interval: text('--interval <duration>', 'between two readings (1s otherwise, at least 100ms)', parseInterval),
    json: flag('--json', 'a JSON object for each, a line each'),
  },
  run: (context) => show(context, context.options),
});

/** Once, as containerd's users type it. */
export const metrics = defineCommand({
  usage: 'metrics <container>',
  summary: 'Show what a running container uses, once',
  options: { json: flag('--json', 'as a JSON object') },
  run: (context) => show(context, { ...context.options, noStream: true, interval: undefined }),
});

interface Wishes {
  readonly noStream: boolean;
  readonly interval: number | undefined;
  readonly json: boolean;
}

async function show({ args, session, io, out, signal }: CommandContext<unknown>, options: Wishes): Promise<number> {
  const read = async () => byId(wanted(args, await containerStats(session(), args, signal)));
  try {
    let before = await read();
    for (;;) {
      await sleep(options.interval ?? INTERVAL_MS, undefined, { signal });
      const now = await read();
      const changes = [...now.values()].map((each) => ({ before: before.get(each.id) ?? each, now: each }));
      before = now;
      if (options.json) for (const change of changes) out.line(JSON.stringify(plain(change)));
      else {
        if (io.terminal && !options.noStream) io.stdout.write(CLEAR);
        out.table([HEADING, ...changes.map(cells)]);
      }
      if (options.noStream) return 0;
    }
  } catch (error) {
    // Leaving by Ctrl-C is how it ends.
    if (options.noStream || !signal.aborted) throw error;
    return 0;
  }
}

function parseInterval(given: string): number {
  const ms = parseDurationMs(given);
  if (ms >= INTERVAL_MS_MIN) return ms;
  throw new DaemonError('invalid-argument', `an interval of ${JSON.stringify(given)} is too short; 100ms is the least`);
}

/** @throws failed-precondition: one of those that were named does not run. */
function wanted(ids: readonly string[], read: readonly ContainerStats[]): readonly ContainerStats[] {
  const missing = ids.find((id) => !read.some((each) => each.id === id));
  if (missing === undefined) return read;
  throw new DaemonError('failed-precondition', `container ${missing} does not run; "ctr list" shows which do`);
}

function byId(read: readonly ContainerStats[]): ReadonlyMap<string, ContainerStats> {
  return new Map([...read].sort((a, b) => (a.id < b.id ? -1 : 1)).map((each) => [each.id, each]));
}

/** In percent of one processor. A container that has restarted counts from nothing. */
function cpuPercent({ before, now }: Change): number {
  const ms = now.at.getTime() - before.at.getTime();
  const usedNs = now.cpuNs - before.cpuNs;
  return ms <= 0 || usedNs < 0n ? 0 : (Number(usedNs) / (ms * 1e6)) * 100;
}

function cells(change: Change): readonly string[] {
  const { id, memoryBytes, memoryLimitBytes, pids, readBytes, writtenBytes } = change.now;
  return [
    id,
    `${cpuPercent(change).toFixed(1)} %`,
    formatBytes(memoryBytes),
    memoryLimitBytes === undefined ? '-' : formatBytes(memoryLimitBytes),
    String(pids),
    formatBytes(readBytes),
    formatBytes(writtenBytes),
  ];
}

function plain(change: Change) {
  const { at, cpuNs, ...rest } = change.now;
  return { ...rest, at: at.toISOString(), cpuNs: String(cpuNs), cpuPercent: Number(cpuPercent(change).toFixed(2)) };
}
