import { randomBytes } from 'node:crypto';
import { remoteContent } from '../src/remote/content.js';
import { Channel } from '../src/rpc/channel.js';
import { wholeSchema } from '../src/rpc/whole.js';
import type { Digest } from '../src/spec/digest.js';
import type { Engine } from './engine.js';
import type { TimedFigure } from './figures.js';

const SCOPE = { namespace: 'bench-content' };
const BIG_BYTES = 128 * 1024 ** 2;
const PIECE_BYTES = 1024 ** 2;
const SMALL_BYTES = 4096;
const COMMITS = 100;

/** The content service over the socket: the same client on both. */
export function contentFigures(): readonly TimedFigure[] {
  const piece = randomBytes(PIECE_BYTES);
  const written = new Map<Engine, Digest>();
  return [
    {
      name: 'content: write of 128 MiB',
      rounds: 5,
      before: (engine) => remove(engine, written),
      async work(engine) {
        written.set(engine, await write(engine, 'big', piece, BIG_BYTES));
      },
    },
    {
      name: 'content: read of 128 MiB',
      rounds: 5,
      before: async (engine) => {
        if (!written.has(engine)) written.set(engine, await write(engine, 'big', piece, BIG_BYTES));
      },
      work: (engine) => read(engine, written.get(engine)),
    },
    {
      name: `content: ${COMMITS} blobs of 4 KiB, one after another`,
      rounds: 5,
      async work(engine) {
        for (let at = 0; at < COMMITS; at += 1) await write(engine, `s-${at}`, randomBytes(SMALL_BYTES), SMALL_BYTES);
      },
      after: (engine) => removeAll(engine),
    },
  ];
}

function contentOf({ address }: Engine) {
  const channel = new Channel({ address, schema: wholeSchema });
  return { content: remoteContent(channel)(SCOPE), [Symbol.dispose]: () => channel.close() };
}

const KEPT = { 'containerd.io/gc.root': 'bench' };

async function write(engine: Engine, ref: string, piece: Buffer, size: number): Promise<Digest> {
  using client = contentOf(engine);
  await using writer = await client.content.writer(ref, { size });
  for (let at = 0; at < size; at += piece.length) await writer.write(piece);
  return (await writer.commit({}, KEPT)).digest;
}

async function read(engine: Engine, digest: Digest | undefined): Promise<void> {
  if (digest === undefined) throw new Error('nothing was written that could be read');
  using client = contentOf(engine);
  await using blob = await client.content.open(digest);
  let bytes = 0;
  for await (const piece of blob.chunks()) bytes += piece.bytes.length;
  if (bytes !== BIG_BYTES) throw new Error(`read ${bytes} bytes instead of ${BIG_BYTES}`);
}

async function remove(engine: Engine, written: Map<Engine, Digest>): Promise<void> {
  const digest = written.get(engine);
  if (digest === undefined) return;
  using client = contentOf(engine);
  await client.content.delete(digest);
  written.delete(engine);
}

async function removeAll(engine: Engine): Promise<void> {
  using client = contentOf(engine);
  for await (const { digest, size } of client.content.list()) {
    if (size === SMALL_BYTES) await client.content.delete(digest);
  }
}
