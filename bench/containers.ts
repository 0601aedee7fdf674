import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from './engine.js';
import { median, memoryOf, type TimedFigure } from './figures.js';
import { compareMemory, megabytes, secondsRow, type Row } from './report.js';

const ROUNDS = 20;
const MANY = 50;
const MANY_ROUNDS = 20;
const MEMORY_CONTAINERS = 10;
const IDLE_BYTES_MAX = 65e6;
const RUNS = Number(process.env['BENCH_RUNS'] ?? 1_000);
const GROWTH_MAX = 1.1;
/** Until a daemon that nobody asks for anything has given back what it does not use. */
const SETTLE_MS = 45_000;
/** How much longer a run by our own ctr may take than by containerd's, in starts of an empty Node program. */
const CLIENT_STARTS_MAX = 2;

/** Runs a detached container of containerd's making, and kills and deletes it, by containerd's own ctr on either engine. */
const start = (engine: Engine, reference: string, id: string) =>
  engine.containerdCtr('run', '--detach', reference, id, 'sleep', '600');

async function end(engine: Engine, id: string): Promise<void> {
  await engine.containerdCtr('tasks', 'delete', '--force', id);
  await engine.containerdCtr('containers', 'delete', id);
}

const idsOf = (round: number) => Array.from({ length: MANY }, (_, at) => `many-${round}-${at}`);

async function endAll(engine: Engine, round: number): Promise<void> {
  for (const id of idsOf(round)) await end(engine, id);
}

/** Containers side by side: both daemons driven by the same client, and each by its own. */
export function containerFigures(reference: string): readonly TimedFigure[] {
  return [
    {
      name: "run --rm … true, containerd's ctr on both",
      rounds: ROUNDS,
      wallTarget: 0.8,
      work: (engine, round) => engine.containerdCtr('run', '--rm', reference, `same-${round}`, '/bin/true'),
    },
    {
      name: "exec … true, containerd's ctr on both",
      rounds: ROUNDS,
      wallTarget: 0.8,
      before: (engine, round) => start(engine, reference, `exec-${round}`),
      work: (engine, round) => engine.containerdCtr('tasks', 'exec', '--exec-id', 'same', `exec-${round}`, '/bin/true'),
      after: (engine, round) => end(engine, `exec-${round}`),
    },
    {
      name: `${MANY} detached containers one after another, containerd's ctr on both`,
      rounds: MANY_ROUNDS,
      wallTarget: 0.7,
      cpuTarget: 0.6,
      work: async (engine, round) => {
        for (const id of idsOf(round)) await start(engine, reference, id);
      },
      after: endAll,
    },
    {
      name: `${MANY} detached containers at once, containerd's ctr on both`,
      rounds: MANY_ROUNDS,
      wallTarget: 0.7,
      before: (engine) => engine.group.prepare(MANY),
      work: async (engine, round) => {
        await Promise.all(idsOf(round).map((id) => start(engine, reference, id)));
      },
      after: endAll,
    },
    {
      name: 'run --rm … true, own clients',
      rounds: ROUNDS,
      work: (engine, round) => engine.run(reference, `run-${round}`, ['/bin/true']),
    },
    {
      name: 'exec … true, own clients',
      rounds: ROUNDS,
      before: (engine, round) => engine.runDetached(reference, `exec-${round}`, ['sleep', '600']),
      work: (engine, round) => engine.exec(`exec-${round}`, ['/bin/true']),
      after: (engine, round) => engine.destroy(`exec-${round}`),
    },
  ];
}

/** What our own ctr adds to a run, beside containerd's ctr on the same socket; in starts of an empty Node program. */
export async function ownClientRow(ours: Engine, reference: string): Promise<Row> {
  const seconds: Record<'own' | 'same' | 'empty', number[]> = { own: [], same: [], empty: [] };
  const time = async (into: number[], work: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await work();
    into.push((performance.now() - startedMs) / 1000);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await time(seconds.own, () => ours.run(reference, `mine-${round}`, ['/bin/true']));
    await time(seconds.same, () => ours.containerdCtr('run', '--rm', reference, `theirs-${round}`, '/bin/true'));
    await time(seconds.empty, () => ours.group.run(process.execPath, ['-e', '0']));
  }
  const added = median(seconds.own) - median(seconds.same);
  const text = 'run --rm … true on our socket: what our own ctr adds to containerd’s, beside an empty Node program';
  return { ...secondsRow(text, added, median(seconds.empty)), target: CLIENT_STARTS_MAX };
}

/** Memory of the daemons and of what they start for each container. */
export async function memoryRows(ours: Engine, theirs: Engine, reference: string): Promise<Row[]> {
  const memory = {
    ours: await memoryOf(ours, reference, MEMORY_CONTAINERS),
    theirs: await memoryOf(theirs, reference, MEMORY_CONTAINERS),
  };
  return compareMemory(memory.ours, memory.theirs);
}

/** A daemon that has only started, and the same after many runs; each when nothing was asked of it for a while. */
export async function idleRows(engine: Engine, reference: string): Promise<Row[]> {
  await engine.restart();
  await engine.containerdCtr('version');
  await pause(SETTLE_MS);
  const idle = await rssBytes(engine);
  for (let run = 0; run < RUNS; run += 1) {
    await engine.containerdCtr('run', '--rm', reference, `idle-${run}`, '/bin/true');
  }
  const busy = await rssBytes(engine);
  await pause(SETTLE_MS);
  const after = await rssBytes(engine);
  const settled = `${SETTLE_MS / 1000} s later`;
  const limited = (figure: string, bytes: number, limit: number): Row => ({
    ...{ figure, ours: megabytes(bytes), theirs: '–', ratio: bytes / limit, target: undefined },
    limit: { text: `≤ ${megabytes(limit)}`, met: bytes <= limit },
  });
  return [
    limited(`daemon started, ${settled} (RSS)`, idle, IDLE_BYTES_MAX),
    limited(`daemon after ${RUNS} runs, ${settled} (RSS)`, after, IDLE_BYTES_MAX * GROWTH_MAX),
    limited(`the same, beside what it was at the start (RSS)`, after, idle * GROWTH_MAX),
    {
      ...{ figure: `daemon at the end of ${RUNS} runs, beside its start (RSS)`, ours: megabytes(busy), theirs: '–' },
      ...{ ratio: busy / idle, target: undefined },
    },
  ];
}

async function rssBytes({ daemonPid }: Engine): Promise<number> {
  const text = await readFile(`/proc/${daemonPid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
