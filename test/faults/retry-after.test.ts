import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { deferred } from '../../src/base/abort.js';
import { openFaultRegistry, type Answer } from '../support/fault-registry.js';
import { layerOf, makeImage, type Image } from '../support/image.js';
import { openPuller } from '../support/puller.js';

const imageOf = (layers: number): Image =>
  makeImage({ layers: Array.from({ length: layers }, () => layerOf(randomBytes(1000), 'none')) });

const refusal = (retryAfter: string, status = 429): Answer => ({
  status,
  headers: { 'retry-after': retryAfter },
  body: Buffer.alloc(0),
});

/** What a server may ask for, and when that is by the monotonic clock; a date has whole seconds. */
const FORMS: Readonly<Record<string, () => { readonly header: string; readonly fromMs: number }>> = {
  seconds: () => ({ header: '1', fromMs: performance.now() + 1000 }),
  date: () => {
    const at = Math.ceil((Date.now() + 1000) / 1000) * 1000;
    return { header: new Date(at).toUTCString(), fromMs: performance.now() + at - Date.now() - 1 };
  },
};

for (const [form, ask] of Object.entries(FORMS)) {
  for (const status of [429, 503]) {
    test(`${status} with Retry-After, ${form}: no pull asks that host before it may`, async () => {
      await using registry = await openFaultRegistry();
      await using puller = await openPuller();
      const [refused, ...others] = ['a', 'b', 'c', 'd', 'e'].map((name) => registry.add(imageOf(3), name));
      let fromMs = 0;
      registry.script = ({ uri }, answer, count) => {
        if (!uri.startsWith('/v2/a/manifests/') || count > 1) return answer;
        const asked = ask();
        fromMs = asked.fromMs;
        return refusal(asked.header, status);
      };
      const further: Promise<unknown>[] = [];
      await puller.pull(refused ?? '', {
        onProgress: ({ waitingFor }) => {
          if (waitingFor === undefined || further.length > 0) return;
          further.push(...others.map((name) => puller.pull(name)));
        },
      });
      assert.equal((await Promise.all(further)).length, others.length);
      const early = registry.seen.slice(1).filter(({ atMs }) => atMs < fromMs);
      assert.deepEqual(early, []);
    });
  }
}

test('of several refusals at once the longest wait holds for all requests', async () => {
  await using registry = await openFaultRegistry();
  await using puller = await openPuller();
  const reference = registry.add(imageOf(6), 'a');
  let refused = 0;
  let fromMs = 0;
  const all = deferred<undefined>();
  registry.script = async ({ uri }, answer, count) => {
    if (!uri.includes('/blobs/') || count > 1 || refused === 4) return answer;
    refused += 1;
    const seconds = refused === 2 ? 2 : 1;
    if (refused === 4) all.resolve(undefined);
    // A refusal that comes before the others have asked would keep those back.
    await all.promise;
    fromMs = Math.max(fromMs, performance.now() + seconds * 1000);
    return refusal(String(seconds));
  };
  await puller.pull(reference);
  const blobs = registry.seen.filter(({ uri }) => uri.includes('/blobs/'));
  assert.equal(refused, 4, 'as many as are fetched at once');
  assert.deepEqual(
    blobs.slice(refused).filter(({ atMs }) => atMs < fromMs),
    [],
  );
});

test('a wait that the host of a redirect asks for keeps back requests to that host only', async () => {
  await using registry = await openFaultRegistry();
  await using storage = await openFaultRegistry('127.0.0.2');
  await using puller = await openPuller();
  const image = imageOf(5);
  const reference = registry.add(image, 'a');
  storage.add(image, 'a');
  registry.script = ({ uri }, answer) =>
    uri.includes('/blobs/')
      ? { status: 307, headers: { location: `http://${storage.host}${uri}` }, body: Buffer.alloc(0) }
      : answer;
  let fromMs = 0;
  const all = deferred<undefined>();
  storage.script = async (_, answer) => {
    if (storage.seen.length > 4) return answer;
    if (storage.seen.length === 4) all.resolve(undefined);
    await all.promise;
    fromMs = performance.now() + 1000;
    return refusal('1');
  };
  await puller.pull(reference);
  assert.deepEqual(
    storage.seen.slice(4).filter(({ atMs }) => atMs < fromMs),
    [],
  );
});
