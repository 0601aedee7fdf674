import type { Engine } from './engine.js';
import type { TimedFigure } from './figures.js';
import { SocketClient } from './socket-client.js';

const ROUNDS = 20;
const MANY = 50;
const MANY_ROUNDS = 20;

/** One client for each engine, kept open from figure to figure. Whoever makes it disposes it. */
export class SocketClients implements Disposable {
  readonly #clients = new Map<Engine, SocketClient>();

  of(engine: Engine): SocketClient {
    const known = this.#clients.get(engine);
    if (known) return known;
    const made = new SocketClient(engine);
    this.#clients.set(engine, made);
    return made;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }
}

/** Containers side by side, both daemons driven by a small loop over the socket; without any client's start and CPU time. */
export function socketFigures(reference: string, clients: SocketClients): readonly TimedFigure[] {
  const prepare = (engine: Engine) => clients.of(engine).prepare(engine, reference);
  const start = (engine: Engine, id: string) => clients.of(engine).start(id, ['sleep', '600']);
  const idsOf = (round: number) => Array.from({ length: MANY }, (_, at) => `loop-${round}-${at}`);
  const endAll = async (engine: Engine, round: number) => {
    for (const id of idsOf(round)) await clients.of(engine).end(id);
  };
  return [
    {
      name: 'run and removal of true, a loop over the socket on both',
      rounds: ROUNDS,
      wallTarget: 0.8,
      before: prepare,
      work: (engine, round) => clients.of(engine).run(`loop-${round}`, ['/bin/true']),
    },
    {
      name: 'exec … true, a loop over the socket on both',
      rounds: ROUNDS,
      wallTarget: 0.8,
      before: async (engine, round) => {
        await prepare(engine);
        await start(engine, `loop-exec-${round}`);
      },
      work: (engine, round) => clients.of(engine).exec(`loop-exec-${round}`, 'true', ['/bin/true']),
      after: (engine, round) => clients.of(engine).end(`loop-exec-${round}`),
    },
    {
      name: `${MANY} containers one after another, a loop over the socket on both`,
      rounds: MANY_ROUNDS,
      wallTarget: 0.7,
      cpuTarget: 0.6,
      before: prepare,
      work: async (engine, round) => {
        for (const id of idsOf(round)) await start(engine, id);
      },
      after: endAll,
    },
    {
      name: `${MANY} containers at once, a loop over the socket on both`,
      rounds: MANY_ROUNDS,
      wallTarget: 0.7,
      before: prepare,
      work: async (engine, round) => {
        await Promise.all(idsOf(round).map((id) => start(engine, id)));
      },
      after: endAll,
    },
  ];
}
