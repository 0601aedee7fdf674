import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ContentStore, ContentWriter } from '../../src/core/content/content-store.js';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import type { OpenStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SCOPE = { namespace: 'testing' };
const OTHER = { namespace: 'other' };

interface Blob {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

function blob(size: number): Blob {
  const bytes = randomBytes(size);
  return { bytes, digest: digestOf(bytes) };
}

async function writeIn(writer: ContentWriter, bytes: Uint8Array, pieceBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) await writer.write(bytes.subarray(at, at + pieceBytes));
}

async function store(content: ContentStore, { bytes }: Blob, ref = 'stored'): Promise<void> {
  await using writer = await content.writer(ref);
  await writer.write(bytes);
  await writer.commit();
}

async function readAll(content: ContentStore, digest: Digest, range?: { from?: number; to?: number }): Promise<Buffer> {
  await using reader = await content.open(digest);
  const chunks: Uint8Array[] = [];
  for await (const { bytes } of reader.chunks(range)) chunks.push(bytes);
  return Buffer.concat(chunks);
}

/** What every ContentStore does, with the databases and directories of one root that is opened again and again. */
export function contentStoreSuite(name: string, open: OpenStores): void {
  const check = (what: string, run: (content: ContentStore, other: ContentStore) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => {
      await using root = await tempDir(t);
      await using stores = await open(root.path);
      await run(stores.content(SCOPE), stores.content(OTHER));
    });
  };

  check('an ingest is invisible until it is committed', async (content) => {
    const { bytes, digest } = blob(100);
    await using writer = await content.writer('layer-1');
    await writer.write(bytes);
    await assertRejectsWithKind(content.info(digest), 'not-found');
    await assertRejectsWithKind(content.open(digest), 'not-found');
    const before = Date.now();
    const info = await writer.commit({ size: 100, digest }, { a: 'b', empty: '' });
    assert.deepEqual(
      { digest: info.digest, size: info.size, labels: info.labels },
      { digest, size: 100, labels: { a: 'b' } },
    );
    assert.ok(Math.abs(info.createdAt.getTime() - before) < 60_000);
    assert.deepEqual(await content.info(digest), info);
    assert.deepEqual(await readAll(content, digest), bytes);
    await assertRejectsWithKind(content.status('layer-1'), 'not-found');
  });

  check('bytes of any size are written in small pieces, whatever is known of them before', async (content) => {
    for (const size of [0, 8, 256, 3_000_000]) {
      for (const known of [[], ['size'], ['digest'], ['size', 'digest']]) {
        const { bytes, digest } = blob(size);
        await using writer = await content.writer(`${size}-${known.join()}`, {
          ...(known.includes('size') && size > 0 && { size }),
          ...(known.includes('digest') && size > 0 && { digest }),
        });
        await writeIn(writer, bytes, 100_000);
        assert.equal(writer.digest(), digest);
        if (size === 0 && known.length > 0) continue;
        assert.equal((await writer.commit()).size, size);
        assert.deepEqual(await readAll(content, digest), bytes);
      }
    }
  });

  check('an ingest is resumed at its offset', async (content) => {
    for (const size of [500, 50_000]) {
      for (const part of [0, 0.1, 0.5, 1]) {
        const { bytes, digest } = blob(size);
        const [ref, limit] = [`ref-${size}-${part}`, Math.floor(size * part)];
        {
          await using writer = await content.writer(ref, { size, digest });
          await writer.write(bytes.subarray(0, limit));
        }
        await using writer = await content.writer(ref, { size, digest });
        assert.equal(writer.status().offset, limit);
        assert.equal(writer.digest(), digestOf(bytes.subarray(0, limit)));
        await writeIn(writer, bytes.subarray(limit), 1024);
        assert.equal((await writer.commit({ size, digest })).digest, digest);
      }
    }
  });

  check('status tells how far an ingest is', async (content) => {
    const { bytes, digest } = blob(256);
    const before = Date.now();
    await using writer = await content.writer('c1', { size: 256, digest });
    await writer.write(bytes.subarray(0, 64));
    const status = await content.status('c1');
    assert.equal(status.offset, 64);
    assert.equal(status.total, 256);
    assert.ok(status.startedAt.getTime() >= before - 1000 && status.updatedAt >= status.startedAt);
    assert.deepEqual(
      (await content.statuses()).map(({ ref, offset }) => [ref, offset]),
      [['c1', 64]],
    );
    assert.deepEqual(await content.statuses(['ref==nobody']), []);
    await assertRejectsWithKind(content.status('nobody'), 'not-found');
  });

  check('a ref has one writer, and the others are told at once', async (content, other) => {
    await using writer = await content.writer('same');
    await writer.write(Buffer.from('x'));
    await assertRejectsWithKind(content.writer('same'), 'unavailable', /ref same locked/);
    await using elsewhere = await other.writer('same');
    assert.equal(elsewhere.status().offset, 0);
    await writer[Symbol.asyncDispose]();
    await using again = await content.writer('same');
    assert.equal(again.status().offset, 1);
  });

  check('content that is there already is told, and the ref is free again', async (content) => {
    const known = blob(256);
    await store(content, known);
    await assertRejectsWithKind(content.writer('x', { digest: known.digest }), 'already-exists');
    for (const expected of [{ size: 256, digest: known.digest }, { size: 256 }]) {
      await using writer = await content.writer('again');
      await writer.write(known.bytes);
      await assertRejectsWithKind(writer.commit(expected), 'already-exists');
      await assertRejectsWithKind(content.status('again'), 'not-found');
    }
  });

  check('a wrong size or digest is refused, and the ingest stays to be committed rightly', async (content) => {
    const { bytes } = blob(260);
    const steps: readonly (readonly [{ size?: number; digest?: Digest }, boolean])[] = [
      [{ size: 260, digest: blob(1).digest }, false],
      [{ size: 256 }, false],
      [{ size: 260 }, true],
    ];
    for (const [index, [expected, good]] of steps.entries()) {
      await using writer = await content.writer('wrong');
      await assertRejectsWithKind(content.writer('wrong'), 'unavailable');
      if (index === 0) await writer.write(bytes);
      assert.equal(writer.status().offset, 260);
      if (good) await writer.commit(expected);
      else
        await assertRejectsWithKind(
          writer.commit(expected),
          'failed-precondition',
          /unexpected commit|failed size validation/,
        );
      await assertRejectsWithKind(writer.write(bytes), 'failed-precondition');
    }
    assert.deepEqual(await readAll(content, digestOf(bytes)), bytes);
  });

  check('truncating begins anew', async (content) => {
    const { bytes, digest } = blob(100);
    await using writer = await content.writer('t');
    await writer.write(blob(70).bytes);
    await writer.truncate(0);
    assert.equal(writer.status().offset, 0);
    await writer.write(bytes);
    assert.equal(writer.digest(), digest);
    await writer.commit({ digest });
    assert.deepEqual(await readAll(content, digest), bytes);
  });

  check('abort throws the bytes away', async (content) => {
    {
      await using writer = await content.writer('gone');
      await writer.write(Buffer.from('abc'));
    }
    await content.abort('gone');
    await assertRejectsWithKind(content.abort('gone'), 'not-found');
    await using writer = await content.writer('gone');
    assert.equal(writer.status().offset, 0);
  });

  check('ranges are read, and what lies outside is refused', async (content) => {
    const known = blob(2_500_000);
    await store(content, known);
    for (const [from, to] of [
      [0, 10],
      [1_048_570, 1_048_580],
      [2_499_999, 2_500_000],
      [5, 5],
    ] as const) {
      assert.deepEqual(await readAll(content, known.digest, { from, to }), known.bytes.subarray(from, to));
    }
    await assertRejectsWithKind(readAll(content, known.digest, { from: 2_500_001 }), 'out-of-range');
  });

  check('labels are set by field paths', async (content) => {
    const known = blob(10);
    await store(content, known);
    const { digest } = known;
    const labels = async (given: Record<string, string>, paths?: string[]) =>
      (await content.update(digest, given, paths)).labels;
    assert.deepEqual(await labels({ a: '1', 'b.c': '2' }), { a: '1', 'b.c': '2' });
    assert.deepEqual(await labels({ 'b.c': '3' }, ['labels.b.c']), { a: '1', 'b.c': '3' });
    assert.deepEqual(await labels({}, ['labels.a']), { 'b.c': '3' });
    assert.deepEqual(await labels({ z: '' }), {});
    await assertRejectsWithKind(content.update(digest, {}, ['size']), 'invalid-argument', /cannot update "size" field/);
    await assertRejectsWithKind(content.update(digest, { k: 'x'.repeat(4096) }), 'invalid-argument', /maximum size/);
    await assertRejectsWithKind(content.update(blob(1).digest, {}), 'not-found');
  });

  check('lists are filtered and ordered', async (content, other) => {
    const blobs = Array.from({ length: 250 }, (_, index) => blob(index + 1));
    for (const [index, each] of blobs.entries()) {
      await store(content, each);
      if (index % 50 === 0) await content.update(each.digest, { kind: 'fifty' });
    }
    const list = async (...filters: string[]) => {
      const digests: string[] = [];
      for await (const { digest } of content.list(filters)) digests.push(digest);
      return digests;
    };
    const sorted = blobs.map(({ digest }) => String(digest)).sort();
    assert.deepEqual(await list(), sorted);
    assert.equal((await list('labels.kind==fifty')).length, 5);
    assert.deepEqual(await list(`digest==${sorted[3] ?? ''}`, 'labels.kind==none'), [sorted[3]]);
    await assertRejectsWithKind(list('digest=='), 'invalid-argument');
    for await (const _ of other.list()) assert.fail('another namespace sees nothing');
  });

  check('a reader reads on after the name was deleted', async (content) => {
    const known = blob(3_000_000);
    await store(content, known);
    await using reader = await content.open(known.digest);
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of reader.chunks()) {
      if (chunks.length === 0) await content.delete(known.digest);
      chunks.push(bytes);
    }
    assert.deepEqual(Buffer.concat(chunks), known.bytes);
    await assertRejectsWithKind(content.info(known.digest), 'not-found');
    await assertRejectsWithKind(content.delete(known.digest), 'not-found');
  });

  check('lent bytes are right until the next are asked for', async (content) => {
    const known = blob(2_500_000);
    await store(content, known);
    await using reader = await content.open(known.digest);
    for (const range of [{}, { from: 1, to: 1_200_000 }, { from: 7, to: 7 }]) {
      const chunks: Buffer[] = [];
      for await (const { bytes } of reader.chunks({ ...range, lent: true })) chunks.push(Buffer.from(bytes));
      assert.deepEqual(Buffer.concat(chunks), known.bytes.subarray(range.from, range.to));
    }
  });

  check('two writers race to one digest: one wins, nothing is damaged', async (content) => {
    const { bytes, digest } = blob(200_000);
    const race = async (ref: string) => {
      await using writer = await content.writer(ref, { size: bytes.length });
      await writeIn(writer, bytes, 40_000);
      return await writer.commit({ digest });
    };
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map(race));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const result of results) {
      if (result.status === 'rejected') assert.match(String(result.reason), /already exists/);
    }
    assert.deepEqual(await readAll(content, digest), bytes);
  });

  check('a blob of another namespace is shared by its digest, and can be written on', async (content, other) => {
    const known = blob(1000);
    await store(content, known);
    const longer = Buffer.concat([known.bytes, Buffer.from('appended')]);
    {
      await using writer = await other.writer('append', { size: 1000, digest: known.digest });
      assert.equal(writer.status().offset, 1000);
      await writer.write(Buffer.from('appended'));
      await writer.commit({ size: longer.length, digest: digestOf(longer) });
    }
    {
      await using writer = await other.writer('share', { size: 1000, digest: known.digest });
      assert.equal(writer.status().offset, 1000);
      await assertRejectsWithKind(other.info(known.digest), 'not-found');
      await writer.commit({ size: 1000, digest: known.digest });
    }
    await using fresh = await other.writer('fresh', { size: 999, digest: blob(5).digest });
    assert.equal(fresh.status().offset, 0);
    await content.delete(known.digest);
    assert.deepEqual(await readAll(other, known.digest), known.bytes);
    assert.deepEqual(await readAll(other, digestOf(longer)), longer);
  });

  check('sha512 is verified as sha256 is', async (content) => {
    const { bytes } = blob(1000);
    const digest = digestOf(bytes, 'sha512');
    {
      await using writer = await content.writer('x', { digest });
      await writer.write(bytes);
      assert.equal(writer.digest(), digest);
      await writer.commit({ digest });
    }
    {
      await using writer = await content.writer('y');
      await writer.write(Buffer.concat([bytes, bytes]));
      const twice = digestOf(Buffer.concat([bytes, bytes]), 'sha384');
      assert.equal((await writer.commit({ digest: twice })).digest, twice);
    }
    assert.deepEqual(await readAll(content, digest), bytes);
  });

  test(`${name}: leases are joined, also where the answer is that it exists`, async (t) => {
    await using root = await tempDir(t);
    await using stores = await open(root.path);
    const leases = stores.leases(SCOPE);
    const known = blob(10);
    await store(stores.content(SCOPE), known);
    await assertRejectsWithKind(
      stores.content({ ...SCOPE, lease: 'nobody' }).writer('x'),
      'not-found',
      /lease does not exist/,
    );
    for (const id of ['one', 'two', 'three']) await leases.create({ id, labels: {} });
    const one = stores.content({ ...SCOPE, lease: 'one' });
    await assertRejectsWithKind(one.writer('x', { digest: known.digest }), 'already-exists');
    const two = stores.content({ ...SCOPE, lease: 'two' });
    {
      await using writer = await two.writer('x');
      assert.deepEqual(await leases.resources('two'), [{ type: 'ingests', id: 'x' }]);
      await writer.write(known.bytes);
      await assertRejectsWithKind(writer.commit(), 'already-exists');
    }
    const kept = [{ type: 'content', id: known.digest }];
    assert.deepEqual(await leases.resources('one'), kept);
    assert.deepEqual(await leases.resources('two'), kept);
    assert.deepEqual(await leases.resources('three'), []);
  });

  test(`${name}: content and ingests are found again after a restart`, async (t) => {
    await using root = await tempDir(t);
    const { bytes, digest } = blob(300_000);
    const known = blob(20);
    {
      await using stores = await open(root.path);
      const content = stores.content(SCOPE);
      await store(content, known);
      // Else the first collection takes it, as nothing refers to it.
      await content.update(known.digest, { 'containerd.io/gc.root': 'now' });
      await using writer = await content.writer('resumed', { size: bytes.length, digest });
      await writer.write(bytes.subarray(0, 100_000));
    }
    await using stores = await open(root.path);
    const content = stores.content(SCOPE);
    assert.deepEqual(await readAll(content, known.digest), known.bytes);
    assert.equal((await content.status('resumed')).offset, 100_000);
    await using writer = await content.writer('resumed', { size: bytes.length, digest });
    assert.equal(writer.status().offset, 100_000);
    await writer.write(bytes.subarray(100_000));
    await writer.commit({ size: bytes.length, digest });
    assert.deepEqual(await readAll(content, digest), bytes);
  });

  check('refs and digests of the wrong form are refused', async (content) => {
    await assertRejectsWithKind(content.writer(''), 'invalid-argument', /must/);
    await assertRejectsWithKind(content.writer('x'.repeat(4097)), 'invalid-argument');
    await assertRejectsWithKind(content.writer('x', { digest: 'sha256:../../x' as Digest }), 'invalid-argument');
    await using writer = await content.writer('../../\0 weird/ref \u{1F433}');
    assert.equal(writer.status().ref, '../../\0 weird/ref \u{1F433}');
  });
}
