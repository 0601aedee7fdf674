import { join } from 'node:path';
import { Teardown } from '../src/base/teardown.js';
import type { Image } from '../test/support/image.js';
import { ensureLayout } from '../test/support/kept-layout.js';
import { skopeoPush } from '../test/support/oci-layout.js';
import { ensureRedisLayout } from '../test/support/redis-image.js';
import { openRegistry } from '../test/support/registry.js';
import { openContainerd } from './containerd.js';
import { peakBytes } from './engine.js';
import { measured, median, type Reading } from './figures.js';
import { makeLayeredImage, makeTinyFilesImage, makeToolchainImage } from './images.js';
import { compareTimes, megabytes, type Row, secondsRow } from './report.js';
import { openShellLimit } from './shell-limit.js';
import { openThrottledLink } from './throttled-link.js';
import { openWharfd } from './wharfd.js';

const ROUNDS = 5;
const SHELL_TARGET = 1.25;
const PEAK_BYTES_MAX = 200 * 1024 ** 2;
const LINK_BYTES_PER_SECOND = 8 * 1024 ** 2;
const LINK_LAYERS = 12;
const TAIL_MAX = 0.15;

interface PulledImage {
  readonly name: string;
  /** Folder below `build`, in which the image is kept from run to run. */
  readonly layout: string;
  readonly ensure: (dir: string) => Promise<void>;
  readonly wallTarget: number;
}

const kept = (recipe: number, make: () => Promise<Image>) => (dir: string) => ensureLayout(dir, recipe, make);

const IMAGES: readonly PulledImage[] = [
  { name: 'cold pull of Redis', layout: 'redis-image', ensure: ensureRedisLayout, wallTarget: 0.42 },
  {
    name: 'cold pull of a toolchain',
    layout: 'bench-toolchain',
    ensure: kept(1, makeToolchainImage),
    wallTarget: 0.42,
  },
  {
    name: 'cold pull of one layer with 60,000 tiny files',
    layout: 'bench-tiny',
    ensure: kept(1, makeTinyFilesImage),
    wallTarget: 0.5,
  },
];

/** Cold pulls from loopback, beside containerd and beside what a shell does for the same, and one over a slow link. */
export async function pullRows(chosen: (name: string) => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const image of IMAGES) if (chosen(image.name)) rows.push(...(await coldPull(image)));
  if (chosen('pull over a slow link')) rows.push(...(await slowPull()));
  return rows;
}

async function coldPull({ name, layout, ensure, wallTarget }: PulledImage): Promise<Row[]> {
  await using down = new Teardown();
  const dir = join('build', layout);
  await ensure(join(process.cwd(), dir));
  const registry = down.own(await openRegistry());
  const repository = `${registry.host}/bench/${layout}`;
  const reference = `${repository}:latest`;
  await skopeoPush(dir, reference);
  const engines = [down.own(await openWharfd()), down.own(await openContainerd())] as const;
  const shell = down.own(await openShellLimit(dir, repository));
  const readings: readonly [Reading[], Reading[], Reading[]] = [[], [], []];
  for (const engine of engines) await engine.pull(reference);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, engine] of engines.entries()) {
      await engine.remove(reference);
      readings[at]?.push(await measured(engine.group, () => engine.pull(reference)));
    }
    await shell.remove();
    readings[2].push(await measured(shell.group, () => shell.pull()));
  }
  const [ours, theirs, limit] = readings;
  const wall = (all: readonly Reading[]) => median(all.map((reading) => reading.wall));
  const beside = secondsRow(`${name}, wall, beside curl, igzip and tar in a shell`, wall(ours), wall(limit));
  const peaks = await Promise.all(engines.map(peakBytes));
  return [
    ...compareTimes({ name, wallTarget, cpuTarget: 0.5 }, ours, theirs),
    { ...beside, target: SHELL_TARGET },
    peakRow(name, peaks[0] ?? 0, peaks[1] ?? 0),
  ];
}

function peakRow(name: string, ours: number, theirs: number): Row {
  return {
    figure: `${name}: peak memory of the daemon (RSS)`,
    ours: megabytes(ours),
    theirs: megabytes(theirs),
    ratio: ours / theirs,
    target: undefined,
    limit: { text: `≤ ${megabytes(PEAK_BYTES_MAX)}`, met: ours <= PEAK_BYTES_MAX },
  };
}

async function slowPull(): Promise<Row[]> {
  await using down = new Teardown();
  const dir = 'build/bench-layers';
  await ensureLayout(join(process.cwd(), dir), 1, () => makeLayeredImage(LINK_LAYERS));
  const registry = down.own(await openRegistry());
  await skopeoPush(dir, `${registry.host}/bench/layers:latest`);
  const link = down.own(await openThrottledLink(Number(registry.host.split(':').at(-1)), LINK_BYTES_PER_SECOND));
  const reference = `${link.host}/bench/layers:latest`;
  const engines = [down.own(await openWharfd()), down.own(await openContainerd())] as const;
  const shares: readonly [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, engine] of engines.entries()) {
      await engine.remove(reference).catch(() => undefined);
      const startedMs = performance.now();
      await engine.pull(reference);
      const endedMs = performance.now();
      shares[at]?.push((endedMs - link.lastByteMs()) / (endedMs - startedMs));
    }
  }
  const [ours, theirs] = [median(shares[0]), median(shares[1])];
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    {
      figure: `pull of ${LINK_LAYERS} layers over a link of 8 MiB/s: share of the time after the last byte`,
      ours: percent(ours),
      theirs: percent(theirs),
      ratio: ours / theirs,
      target: undefined,
      limit: { text: `< ${percent(TAIL_MAX)}`, met: ours < TAIL_MAX },
    },
  ];
}
