import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Teardown } from '../src/base/teardown.js';
import { remoteContent } from '../src/remote/content.js';
import { remoteImages } from '../src/remote/images.js';
import { remoteLeases } from '../src/remote/leases.js';
import { Channel } from '../src/rpc/channel.js';
import { wholeSchema } from '../src/rpc/whole.js';
import type { Digest } from '../src/spec/digest.js';
import { openContainerd } from './containerd.js';
import type { Engine } from './engine.js';
import { median } from './figures.js';
import { openMemoryDisk } from './memory-disk.js';
import { megabytes, secondsRow, type Row } from './report.js';
import { openWharfd } from './wharfd.js';

const BLOBS = Number(process.env['BENCH_BLOBS'] ?? 100_000);
const BLOBS_PER_IMAGE = 10;
const IMAGES = BLOBS / BLOBS_PER_IMAGE;
const ROUNDS = 3;
const START_LIMIT_SECONDS = 1;
const WRITERS = 8;
const NAMESPACE = 'bench-scale';

interface Reading {
  readonly listImages: number;
  readonly listContent: number;
  readonly remove: number;
  readonly longestWait: number;
  readonly start: number;
  readonly smallMemory: number;
  readonly largeMemory: number;
}

/** 100,000 blobs and 10,000 images in each store, which lies in memory: filling it is not what is measured. */
export async function scaleRows(): Promise<Row[]> {
  await using down = new Teardown();
  const ours = await readingOf(down.own(await openWharfd(openMemoryDisk)));
  const theirs = await readingOf(down.own(await openContainerd(openMemoryDisk)));
  const size = `${IMAGES} images of ${BLOBS} blobs`;
  const row = (text: string, of: (reading: Reading) => number, limit?: Row['limit']) =>
    secondsRow(`${size}: ${text}`, of(ours), of(theirs), limit);
  return [
    row('list of images', ({ listImages }) => listImages),
    row('list of content', ({ listContent }) => listContent),
    row('an image removed, with the collection', ({ remove }) => remove),
    row('longest that another call waits meanwhile', ({ longestWait }) => longestWait),
    row('start after a kill until it answers', ({ start }) => start, {
      text: `≤ ${START_LIMIT_SECONDS.toFixed(1)} s`,
      met: ours.start <= START_LIMIT_SECONDS,
    }),
    memoryRow(`${size}: memory of the idle daemon beyond that of an empty one (RSS)`, ours, theirs),
  ];
}

function memoryRow(figure: string, ours: Reading, theirs: Reading): Row {
  const growth = ({ smallMemory, largeMemory }: Reading) => Math.max(0, largeMemory - smallMemory);
  const [a, b] = [growth(ours), growth(theirs)];
  return { figure, ours: megabytes(a), theirs: megabytes(b), ratio: a / b, target: undefined };
}

async function readingOf(engine: Engine): Promise<Reading> {
  await engine.restart();
  const smallMemory = await settledMemory(engine);
  await fill(engine);
  const start = [];
  for (let round = 0; round < ROUNDS; round += 1) start.push(await engine.restart());
  const largeMemory = await settledMemory(engine);
  const inNamespace = (...args: readonly string[]) => engine.containerdCtr('--namespace', NAMESPACE, ...args);
  const listImages = await medianSeconds(() => inNamespace('images', 'ls', '-q'));
  const listContent = await medianSeconds(() => inNamespace('content', 'ls', '-q'));
  const waits: number[] = [];
  let number = 0;
  const remove = await medianSeconds(async () => {
    await using _ = watchWaits(engine, waits);
    await inNamespace('images', 'rm', '--sync', nameOf((number += 1)));
  });
  return {
    ...{ listImages, listContent, remove, smallMemory, largeMemory },
    start: median(start),
    longestWait: Math.max(...waits),
  };
}

async function medianSeconds(work: () => Promise<unknown>): Promise<number> {
  const seconds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    await work();
    seconds.push((performance.now() - startedMs) / 1000);
  }
  return median(seconds);
}

/** Calls one after another until it is disposed of; `waits` takes the seconds of each. */
function watchWaits(engine: Engine, waits: number[]): AsyncDisposable {
  const channel = new Channel({ address: engine.address, schema: wholeSchema, namespace: NAMESPACE });
  const stop = new AbortController();
  const calls = (async () => {
    const images = remoteImages(channel)({ namespace: NAMESPACE });
    while (!stop.signal.aborted) {
      const startedMs = performance.now();
      await images.get(nameOf(IMAGES - 1));
      waits.push((performance.now() - startedMs) / 1000);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await calls;
      channel.close();
    },
  };
}

const nameOf = (image: number) => `registry.example/scale/image-${image}:latest`;

/** Through the socket, as a client would; a lease keeps what has no image yet. */
async function fill(engine: Engine): Promise<void> {
  using channel = new Channel({ address: engine.address, schema: wholeSchema });
  const leases = remoteLeases(channel)({ namespace: NAMESPACE });
  const { id: lease } = await leases.create({ id: 'filling', labels: {} });
  const scope = { namespace: NAMESPACE, lease };
  const [content, images] = [remoteContent(channel)(scope), remoteImages(channel)(scope)];
  const put = async (text: string, labels: Record<string, string>): Promise<Digest> => {
    await using writer = await content.writer(text, { size: text.length });
    await writer.write(Buffer.from(text));
    return (await writer.commit({}, labels)).digest;
  };
  const putImage = async (image: number): Promise<void> => {
    const labels: Record<string, string> = {};
    for (let at = 1; at < BLOBS_PER_IMAGE; at += 1) {
      labels[`containerd.io/gc.ref.content.l.${at}`] = await put(`blob ${at} of image ${image}`, {});
    }
    const text = `manifest of image ${image}`;
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: text.length };
    await images.create({ name: nameOf(image), labels: {}, target: { ...target, digest: await put(text, labels) } });
  };
  let next = 0;
  const work = async () => {
    while (next < IMAGES) await putImage((next += 1) - 1);
  };
  await Promise.all(Array.from({ length: WRITERS }, work));
  await leases.delete(lease);
}

const SETTLE_READINGS = 20;
const SETTLE_MS = 500;

/** Bytes (RSS) once they are no longer going down: what a start has left behind is given back a little later. */
async function settledMemory(engine: Engine): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < SETTLE_READINGS; at += 1) {
    const text = await readFile(`/proc/${engine.daemonPid}/status`, 'utf8');
    least = Math.min(least, Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024);
    await pause(SETTLE_MS);
  }
  return least;
}
