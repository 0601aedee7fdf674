import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { deferred } from '../../src/base/abort.js';
import { BlobStreams } from '../../src/drivers/registry-docker/blob-streams.js';
import { openFaultRegistry, type FaultRegistry, type Seen } from '../support/fault-registry.js';
import { layerOf, makeImage, type Layer } from '../support/image.js';
import { openPuller, type TestPuller } from '../support/puller.js';

const PART_BYTES = 64 * 1024;
const BLOB_BYTES = 64 * PART_BYTES;
/** What one connection is let through; several get as many times as much. */
const EACH = 4_000_000;

interface Fixture extends AsyncDisposable {
  readonly registry: FaultRegistry;
  readonly puller: TestPuller;
  readonly reference: string;
  readonly layer: Layer;
  /** Requests for the layer. */
  readonly requests: () => readonly Seen[];
}

/** A registry that is slow in each connection, and an image with one large layer. */
async function open(connectionsMax = 4, each = EACH): Promise<Fixture> {
  const registry = await openFaultRegistry('127.0.0.1', { link: { each } });
  const ranges = { connectionsMax, partBytesMin: PART_BYTES, partBytesMax: PART_BYTES };
  const puller = await openPuller(undefined, { ranges });
  const layer = layerOf(randomBytes(BLOB_BYTES), 'none');
  const reference = registry.add(makeImage({ layers: [layer] }), 'a/b');
  return {
    ...{ registry, puller, reference, layer },
    requests: () => registry.seen.filter(({ uri }) => isLayer(uri, layer)),
    async [Symbol.asyncDispose]() {
      await puller[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const isLayer = (uri: string, { diffId }: Layer) => uri.includes(diffId);

function rangeOf({ headers }: Seen): { readonly from: number; readonly bytes: number } {
  const [, from, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? 'bytes=0-') ?? [];
  return { from: Number(from), bytes: (last === '' ? BLOB_BYTES : Number(last) + 1) - Number(from) };
}

const isPart = (request: Seen) => rangeOf(request).bytes === PART_BYTES && rangeOf(request).from > 0;

test('a large layer from a host that is slow in each connection: a range is asked for before the one ahead of it is answered', async () => {
  // Slow enough that what a busy machine keeps to itself for a moment is little beside what is measured.
  await using f = await open(4, EACH / 4);
  const two = deferred<undefined>();
  f.registry.script = async (request, answer) => {
    if (!isLayer(request.uri, f.layer) || !isPart(request)) return answer;
    if (f.requests().filter(isPart).length > 1) two.resolve(undefined);
    await two.promise;
    return answer;
  };
  await f.puller.pull(f.reference);
  assert.ok(f.requests().every((request) => rangeOf(request).bytes <= 16 * PART_BYTES));
  assert.equal(bytesAskedFor(f), BLOB_BYTES, 'and each byte is asked for once');
});

const bytesAskedFor = (f: Fixture) => f.requests().reduce((sum, request) => sum + rangeOf(request).bytes, 0);

test('ranges that are cut again and again, all of them: every byte is sent once', async () => {
  await using f = await open();
  f.registry.script = ({ uri }, answer) => (isLayer(uri, f.layer) ? { ...answer, cutAfter: 50_000 } : answer);
  const before = f.registry.sentBytes;
  const { target, reports } = await f.puller.pull(f.reference);
  assert.ok(f.requests().filter(isPart).length > 1);
  const documents = f.registry.sentBytes - before - BLOB_BYTES;
  assert.ok(documents > target.size && documents < 10_000, `${documents} bytes besides those of the layer`);
  const offsets = reports
    .filter(({ state, target: of }) => state === 'downloading' && of?.digest === f.layer.diffId)
    .map(({ offset }) => offset);
  assert.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
    'progress never goes back',
  );
});

test('a host that stops answering ranges with ranges: the rest comes in one piece', async () => {
  await using f = await open();
  f.registry.script = (request, answer) =>
    isLayer(request.uri, f.layer) && rangeOf(request).from >= 30 * PART_BYTES
      ? { status: 200, headers: { 'content-type': 'x/y' }, body: f.layer.bytes }
      : answer;
  await f.puller.pull(f.reference);
  const last = f.requests().at(-1);
  assert.match(last?.headers.range ?? '', /^bytes=\d+-$/);
  const behind = f.requests().filter((request) => rangeOf(request).from >= 30 * PART_BYTES);
  assert.ok(behind.length <= 5, 'it is not asked for ranges any more');
});

test('a host that never answers with ranges: one request is all', async () => {
  await using f = await open();
  f.registry.script = (request, answer) =>
    isLayer(request.uri, f.layer) ? { ...answer, status: 200, headers: {}, body: f.layer.bytes } : answer;
  await f.puller.pull(f.reference);
  assert.equal(f.requests().length, 1);
});

test('where a second connection brings nothing, the rest is asked for in one piece', async () => {
  await using f = await open();
  f.registry.script = async (request, answer) => {
    if (!isLayer(request.uri, f.layer) || !isPart(request)) return answer;
    // The time that such a request takes there.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return answer;
  };
  await f.puller.pull(f.reference);
  const last = f.requests().at(-1);
  assert.match(last?.headers.range ?? '', /^bytes=\d+-$/);
  assert.ok(rangeOf(last as Seen).bytes > 32 * PART_BYTES);
});

test('what was found out about a host holds for the next blob from it', async () => {
  await using f = await open();
  await f.puller.pull(f.reference);
  const next = layerOf(randomBytes(BLOB_BYTES), 'none');
  await f.puller.pull(f.registry.add(makeImage({ layers: [next] }), 'c/d'));
  const ranges = f.registry.seen.filter(({ uri }) => isLayer(uri, next)).map(({ headers }) => headers.range);
  assert.equal(ranges.length, BLOB_BYTES / PART_BYTES);
  assert.equal(ranges[0], `bytes=0-${PART_BYTES - 1}`);
});

test('no range is asked for before the time that one of them was told', async () => {
  await using f = await open();
  let fromMs = 0;
  let refusedAt = 0;
  f.registry.script = (request, answer) => {
    if (!isLayer(request.uri, f.layer) || !isPart(request) || fromMs > 0) return answer;
    fromMs = performance.now() + 1000;
    refusedAt = f.registry.seen.length;
    return { status: 429, headers: { 'retry-after': '1' }, body: Buffer.alloc(0) };
  };
  await f.puller.pull(f.reference);
  // One may have been on its way when the other was refused.
  const early = f.registry.seen.slice(refusedAt + 1).filter(({ atMs }) => atMs < fromMs);
  assert.ok(fromMs > 0);
  assert.deepEqual(early, []);
});

test('a cancelled pull in the middle of its ranges asks for no more, and the next one goes on from what is stored', async () => {
  await using f = await open();
  const cut = new AbortController();
  let stored = 0;
  const pull = f.puller.pull(f.reference, {
    signal: cut.signal,
    onProgress: ({ target, offset }) => {
      if (target?.digest === f.layer.diffId) stored = offset;
      if (stored > BLOB_BYTES / 2) cut.abort();
    },
  });
  await assert.rejects(pull, { name: 'AbortError' });
  const asked = f.registry.seen.length;
  await f.puller.pull(f.reference);
  const next = f.requests().find((request) => f.registry.seen.indexOf(request) >= asked);
  assert.ok(next && rangeOf(next).from >= stored, 'what is stored is not asked for again');
});

test('a daemon told to use one connection asks for the whole at once', async () => {
  await using f = await open(1);
  await f.puller.pull(f.reference);
  assert.deepEqual(
    f.requests().map(({ headers }) => headers.range),
    [undefined],
  );
});

test('one blob at a time may have further connections, and none that shares its host with another', () => {
  const streams = new BlobStreams();
  const first = streams.open('https://a', BLOB_BYTES);
  const elsewhere = streams.open('https://b', BLOB_BYTES);
  assert.ok(first.mayWiden());
  assert.ok(!elsewhere.mayWiden(), 'the first has them');
  const second = streams.open('https://a', BLOB_BYTES);
  assert.ok(!first.mayWiden());
  first.narrow();
  assert.ok(elsewhere.mayWiden());
  elsewhere[Symbol.dispose]();
  streams.open('https://a', 1000);
  first[Symbol.dispose]();
  assert.ok(second.mayWiden());
  second[Symbol.dispose]();
});
