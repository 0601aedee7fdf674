import type { CpuGroup } from './cpu-group.js';
import type { Engine } from './engine.js';
import { pssBytes } from './engine.js';

/** What one measurement gave for one engine. */
export interface Reading {
  /** Seconds by the clock; 0 where only `value` counts. */
  readonly wall: number;
  /** CPU seconds of daemon, client and what they started. */
  readonly cpu: number;
}

/** One thing that is timed: as ratio of ours to theirs. */
export interface TimedFigure {
  readonly name: string;
  readonly rounds: number;
  /** Ratios not to be exceeded; absent: no target yet, only shown. */
  readonly wallTarget?: number;
  readonly cpuTarget?: number;
  /** Not timed. */
  readonly before?: (engine: Engine, round: number) => Promise<void>;
  readonly work: (engine: Engine, round: number) => Promise<void>;
  readonly after?: (engine: Engine, round: number) => Promise<void>;
}

/** Times one round. */
export async function timed(figure: TimedFigure, engine: Engine, round: number): Promise<Reading> {
  await figure.before?.(engine, round);
  const reading = await measured(engine.group, () => figure.work(engine, round));
  await figure.after?.(engine, round);
  return reading;
}

/** Times some work, with the CPU time of all that is in a group. */
export async function measured(group: Pick<CpuGroup, 'cpuSeconds'>, work: () => Promise<void>): Promise<Reading> {
  const cpuBefore = await group.cpuSeconds();
  const startedMs = performance.now();
  await work();
  const wall = (performance.now() - startedMs) / 1000;
  return { wall, cpu: (await group.cpuSeconds()) - cpuBefore };
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Bytes (PSS) of the daemon, and for each of `count` containers of what it started besides. */
export async function memoryOf(
  engine: Engine,
  reference: string,
  count: number,
): Promise<{ readonly daemon: number; readonly perContainer: number }> {
  const idle = new Set(await engine.group.pids());
  const daemon = await pssBytes(engine.daemonPid);
  const ids = Array.from({ length: count }, (_, at) => `mem-${at}`);
  for (const id of ids) await engine.runDetached(reference, id, ['sleep', '600']);
  const helpers = (await engine.group.pids()).filter((pid) => !idle.has(pid));
  let sum = 0;
  for (const pid of helpers) sum += await pssBytes(pid);
  for (const id of ids) await engine.destroy(id);
  return { daemon, perContainer: sum / count };
}
