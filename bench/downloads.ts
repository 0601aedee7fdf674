import { randomBytes } from 'node:crypto';
import { Teardown } from '../src/base/teardown.js';
import type { Link } from '../test/support/fault-body.js';
import { openFaultRegistry } from '../test/support/fault-registry.js';
import { makeImage, type Layer, layerOf } from '../test/support/image.js';
import { openRegistry } from '../test/support/registry.js';
import { openCpuGroup } from './cpu-group.js';
import { peakBytes } from './engine.js';
import { measured, median, type Reading } from './figures.js';
import { megabytes, type Row, secondsRow } from './report.js';
import { openWharfd } from './wharfd.js';

const ROUNDS = 5;
const BLOB_BYTES = 300_000_000;
const BLOB_CPU_TARGET = 1.3;
/** Of the daemon while it downloads, beyond what it had before: no more for a larger blob. */
const GROWTH_BYTES_MAX = 64 * 1024 ** 2;
const LINK = { total: 50_000_000, latencyMs: 20 };
/** Of layers, in bytes: mixed, 200 MB in all. */
const LAYERS = [60, 40, 30, 20, 15, 12, 8, 6, 4, 3, 1.5, 0.5].map((mb) => mb * 1_000_000);
const LINK_TARGET = 1.05;
const ONE_LAYER_BYTES = 100_000_000;
/** Bytes a second of each connection, where a host lets no more through. */
const EACH = 10_000_000;
/** Four connections, after the time that it takes to find out that four are better. */
const RANGES_TARGET = 0.4;

/** Downloads alone: how little they cost, and how much of a link they use. */
export async function downloadRows(chosen: (name: string) => boolean): Promise<Row[]> {
  return [
    ...(chosen('download of a 300 MB blob') ? await blobRows() : []),
    ...(chosen('download over a link') ? await linkRows() : []),
    ...(chosen('download in ranges') ? await rangeRows() : []),
  ];
}

async function blobRows(): Promise<Row[]> {
  await using down = new Teardown();
  const registry = down.own(await openRegistry());
  const layer = noise(BLOB_BYTES);
  const reference = await registry.push(makeImage({ layers: [layer] }), 'bench/blob');
  const repository = reference.slice(0, reference.lastIndexOf(':')).replace('/', '/v2/');
  const url = `http://${repository}/blobs/${layer.diffId}`;
  const ours = down.own(await openWharfd());
  const shell = down.own(await openCpuGroup('curl'));
  const readings: readonly [Reading[], Reading[]] = [[], []];
  // The blob is in the page cache of the registry's file, and the daemon has compiled its way.
  await ours.fetch(reference);
  const before = await peakBytes(ours);
  for (let round = 0; round < ROUNDS; round += 1) {
    await ours.remove(reference);
    readings[0].push(await measured(ours.group, () => ours.fetch(reference)));
    const script = 'curl -sfS "$0" | openssl dgst -sha256';
    readings[1].push(
      await measured(shell, async () => {
        await shell.run('/bin/bash', ['-c', script, url]);
      }),
    );
  }
  const grown = (await peakBytes(ours)) - before;
  const [mine, limit] = readings;
  const middle = (all: readonly Reading[], kind: keyof Reading) => median(all.map((reading) => reading[kind]));
  const row = (what: string, kind: keyof Reading) =>
    secondsRow(
      `download of a 300 MB blob, ${what}, beside curl and openssl dgst`,
      middle(mine, kind),
      middle(limit, kind),
    );
  return [
    row('wall', 'wall'),
    { ...row('CPU', 'cpu'), target: BLOB_CPU_TARGET },
    {
      ...{ figure: 'download of a 300 MB blob five times: growth of the daemon (peak RSS)', theirs: '–' },
      ...{ ours: megabytes(grown), ratio: grown / GROWTH_BYTES_MAX, target: undefined },
      limit: { text: `≤ ${megabytes(GROWTH_BYTES_MAX)}`, met: grown <= GROWTH_BYTES_MAX },
    },
  ];
}

async function linkRows(): Promise<Row[]> {
  const { wall, fromFirst, sent } = await linkDownload(LINK, LAYERS);
  const text = 'download over a link of 50 MB/s and 20 ms, 12 layers, to the last byte';
  const limit = sent / LINK.total;
  return [
    { ...secondsRow(`${text}, beside the limit`, wall, limit), target: LINK_TARGET },
    { ...secondsRow(`${text}, from the first request on, beside the limit`, fromFirst, limit), target: LINK_TARGET },
  ];
}

/** One large layer: from a host that is slow in each connection, and over a link that one connection fills. */
async function rangeRows(): Promise<Row[]> {
  const slow = await linkDownload({ each: EACH, latencyMs: LINK.latencyMs }, [ONE_LAYER_BYTES]);
  const full = await linkDownload(LINK, [ONE_LAYER_BYTES]);
  const row = (text: string, seconds: number, limit: number, target: number) => ({
    ...secondsRow(`download in ranges, ${text}`, seconds, limit),
    target,
  });
  const all = full.sent / LINK.total;
  return [
    row('10 MB/s a connection, beside one connection', slow.wall, slow.sent / EACH, RANGES_TARGET),
    row('50 MB/s in all, one layer, beside the limit', full.wall, all, LINK_TARGET),
    row('50 MB/s in all, one layer, from the first request on, beside the limit', full.fromFirst, all, LINK_TARGET),
  ];
}

/** Seconds to the last byte, and bytes sent, of an image whose layers come over such a link. */
async function linkDownload(link: Link, sizes: readonly number[]) {
  await using down = new Teardown();
  const registry = down.own(await openFaultRegistry('127.0.0.1', { link }));
  const reference = registry.add(makeImage({ layers: sizes.map(noise) }), 'bench/layers');
  const ours = down.own(await openWharfd());
  const walls: number[] = [];
  const fromFirst: number[] = [];
  let sent = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await ours.remove(reference).catch(() => undefined);
    const sentBefore = registry.sentBytes;
    const requests = registry.seen.length;
    const startedMs = performance.now();
    await ours.fetch(reference);
    walls.push((registry.lastSentMs - startedMs) / 1000);
    fromFirst.push((registry.lastSentMs - (registry.seen[requests]?.atMs ?? startedMs)) / 1000);
    sent = registry.sentBytes - sentBefore;
  }
  return { wall: median(walls), fromFirst: median(fromFirst), sent };
}

/** A layer of bytes that can't be packed any further; nothing unpacks it. */
function noise(bytes: number): Layer {
  return layerOf(randomBytes(bytes), 'none');
}
