/**
 * Side by side with Debian's containerd: `make bench` prints each figure with its target, ratio and verdict. Arguments choose figures by a
 * part of their name, and docs/benchmarks.md stays as it is then: `node --import tsx bench/main.ts pull`.
 */
import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import { skopeoPush } from '../test/support/oci-layout.js';
import { ensureRedisLayout } from '../test/support/redis-image.js';
import { openRegistry } from '../test/support/registry.js';
import { openContainerd } from './containerd.js';
import { containerFigures, idleRows, memoryRows, ownClientRow } from './containers.js';
import { contentFigures } from './content.js';
import { downloadRows } from './downloads.js';
import type { Engine } from './engine.js';
import { timed, type Reading, type TimedFigure } from './figures.js';
import { pullRows } from './pulls.js';
import { compareTimes, report, type Row } from './report.js';
import { scaleRows } from './scale.js';
import { SocketClients, socketFigures } from './socket-figures.js';
import { openWharfd } from './wharfd.js';

const LAYOUT = 'build/redis-image';

function figuresFor(reference: string, clients: SocketClients): readonly TimedFigure[] {
  return [
    ...containerFigures(reference),
    ...socketFigures(reference, clients),
    { name: 'images', rounds: 20, work: (engine) => engine.listImages() },
    ...contentFigures(),
  ];
}

/** A B A B: what the machine does meanwhile hits both. */
async function interleave(figure: TimedFigure, ours: Engine, theirs: Engine): Promise<Row[]> {
  const readings: Record<'ours' | 'theirs', Reading[]> = { ours: [], theirs: [] };
  for (let round = 0; round < figure.rounds; round += 1) {
    readings.ours.push(await timed(figure, ours, round));
    readings.theirs.push(await timed(figure, theirs, round));
  }
  return compareTimes(figure, readings.ours, readings.theirs);
}

async function bench(): Promise<void> {
  await using down = new Teardown();
  await ensureRedisLayout(join(process.cwd(), LAYOUT));
  const registry = down.own(await openRegistry());
  const reference = `${registry.host}/library/redis:latest`;
  await skopeoPush(LAYOUT, reference);
  const rows: Row[] = [];
  const wanted = process.argv.slice(2);
  const chosen = (name: string) => wanted.length === 0 || wanted.some((part) => name.includes(part));
  rows.push(...(await pullRows(chosen)), ...(await downloadRows(chosen)));
  const ours = down.own(await openWharfd());
  const theirs = down.own(await openContainerd());
  for (const engine of [ours, theirs]) await engine.pull(reference);
  const clients = down.own(new SocketClients());
  for (const figure of figuresFor(reference, clients)) {
    if (chosen(figure.name)) rows.push(...(await interleave(figure, ours, theirs)));
  }
  if (chosen('scale')) rows.push(...(await scaleRows()));
  if (chosen('own client')) rows.push(await ownClientRow(ours, reference));
  if (chosen('memory')) rows.push(...(await memoryRows(ours, theirs, reference)));
  if (chosen('idle')) rows.push(...(await idleRows(ours, reference)));
  await report(rows, wanted.length === 0 ? 'docs/benchmarks.md' : undefined);
}

await bench();
