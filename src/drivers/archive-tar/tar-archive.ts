import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, pack, type Header } from 'tar-stream';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { ArchiveFormat, ArchiveMember, NewArchiveMember } from '../../core/archive/archive-format.js';

const KINDS: Readonly<Record<string, ArchiveMember['kind']>> = {
  file: 'file',
  'contiguous-file': 'file',
  symlink: 'symlink',
  link: 'hardlink',
};

/** Image archives as tar files. Owner and time of what is written are always the same. */
export const tarArchives: ArchiveFormat = {
  async *read(bytes, signal) {
    const tar = extract();
    const source = Readable.from(unpacked(bytes), { objectMode: false });
    const feeding = pipeline(source, tar, { signal });
    // Whoever reads the members sees it, too.
    feeding.catch(() => undefined);
    try {
      for await (const entry of tar) {
        const { name, type, size, linkname } = entry.header;
        yield {
          path: name,
          kind: KINDS[type] ?? 'other',
          size,
          target: linkname,
          data: entry as AsyncIterable<Uint8Array>,
        };
        entry.resume();
      }
      await feeding;
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof DaemonError) throw cause;
      throw new DaemonError('invalid-argument', `the archive can't be read as a tar: ${messageOf(cause)}`, { cause });
    } finally {
      source.destroy();
      tar.destroy();
    }
  },

  async *write(members, signal) {
    const tar = pack();
    const filling = fill(tar, members, signal).catch((error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    try {
      yield* tar as AsyncIterable<Uint8Array>;
      await filling;
    } finally {
      tar.destroy();
    }
  },
};

async function fill(
  tar: ReturnType<typeof pack>,
  members: AsyncIterable<NewArchiveMember>,
  signal: AbortSignal,
): Promise<void> {
  const epoch = { mtime: new Date(0), uid: 0, gid: 0 };
  for await (const member of members) {
    signal.throwIfAborted();
    if (member.kind === 'directory') {
      await entryOf(tar, { ...epoch, name: `${member.path}/`, type: 'directory', mode: 0o755 });
      continue;
    }
    const { path: name, size, data } = member;
    if (size === 0) await entryOf(tar, { ...epoch, name, mode: 0o444, size });
    else
      await pipeline(Readable.from(data, { objectMode: false }), tar.entry({ ...epoch, name, mode: 0o444, size }), {
        signal,
      });
  }
  tar.finalize();
}

function entryOf(tar: ReturnType<typeof pack>, header: Partial<Header> & Pick<Header, 'name'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => {
      if (error) reject(error);
      else resolve();
    };
    if (header.type === 'directory') tar.entry(header, done);
    else tar.entry(header, '', done);
  });
}

/** The bytes without their gzip, where there is one. */
async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < 2) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* whole(): AsyncIterable<Uint8Array> {
    yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  const feeding = pipeline(Readable.from(whole(), { objectMode: false }), gunzip);
  feeding.catch(() => undefined);
  yield* gunzip as AsyncIterable<Uint8Array>;
  await feeding;
}
