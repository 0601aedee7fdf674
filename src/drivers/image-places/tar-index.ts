import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { DaemonError } from '../../base/errors.js';

const BLOCK = 512;
/** Members that an archive may have, and bytes of one extended header. */
const MEMBERS_MAX = 100_000;
const EXTENDED_BYTES_MAX = 1 << 20;
const LINKS_MAX = 16;

/** Where the bytes of a member are. */
export interface TarPart {
  readonly start: number;
  readonly size: number;
}

/** An image archive's members by their paths, links followed: where they are, without reading what is in them. */
export interface TarIndex {
  find(path: string): TarPart | undefined;
}

interface Header {
  readonly name: string;
  readonly link: string;
  readonly size: number;
  readonly type: string;
}

/**
 * Goes from header to header (POSIX ustar with pax records of path, linkpath and size; GNU long names). Unlike a layer's, the members of
 * an image archive have no other metadata that matters.
 *
 * @throws invalid-argument: no tar archive, a packed one, or one that is cut off.
 */
export async function indexTar(file: FileHandle, what: string, signal?: AbortSignal): Promise<TarIndex> {
  const members = new Members();
  let count = 0;
  for await (const { header, start } of headersOf(file, what)) {
    signal?.throwIfAborted();
    if ((count += 1) > MEMBERS_MAX) throw refused(what, `has more than ${MEMBERS_MAX} members`);
    members.add(header, start);
  }
  return members;
}

class Members implements TarIndex {
  readonly #files = new Map<string, TarPart>();
  readonly #links = new Map<string, string>();

  add({ name, link, size, type }: Header, start: number): void {
    const path = normalized(name);
    if (type === '2') this.#links.set(path, normalized(posix.join(posix.dirname(path), link)));
    else if (type === '1') this.#links.set(path, normalized(link));
    else if (type === '0' || type === '7') this.#files.set(path, { start, size });
  }

  find(path: string): TarPart | undefined {
    let name = normalized(path);
    for (let hops = 0; hops <= LINKS_MAX; hops += 1) {
      const found = this.#files.get(name);
      if (found) return found;
      const target = this.#links.get(name);
      if (target === undefined) return undefined;
      name = target;
    }
    return undefined;
  }
}

/** Every member with what extended headers say of it, and where its bytes begin. */
async function* headersOf(file: FileHandle, what: string): AsyncGenerator<{ header: Header; start: number }> {
  const { size: end } = await file.stat();
  if (end < BLOCK) throw refused(what, 'is no tar archive');
  let next: Partial<Header> = {};
  for (let at = 0; at + BLOCK <= end;) {
    const block = await read(file, at, BLOCK, what);
    if (block.every((byte) => byte === 0)) return;
    const own = parseHeader(block, what);
    const start = at + BLOCK;
    if (isExtension(own.type)) {
      if (!(own.size <= EXTENDED_BYTES_MAX)) throw refused(what, 'has an extended header that is too long');
      next = { ...next, ...extension(own.type, await read(file, start, own.size, what), what) };
      at = start + padded(own.size);
      continue;
    }
    const header = { ...own, ...next };
    next = {};
    if (!Number.isSafeInteger(header.size) || start + header.size > end) {
      throw refused(what, `ends in the middle of ${JSON.stringify(header.name.slice(0, 160))}`);
    }
    yield { header, start };
    at = start + padded(header.size);
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;
const isExtension = (type: string): boolean => 'xgLK'.includes(type);

async function read(file: FileHandle, at: number, size: number, what: string): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(size), 0, size, at);
  if (bytesRead === size) return buffer;
  throw refused(what, `ends at byte ${at + bytesRead}`);
}

function parseHeader(block: Buffer, what: string): Header {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== number(block, 148, 8)) {
    const packed = block[0] === 0x1f && block[1] === 0x8b;
    throw refused(what, packed ? 'is packed by gzip: unpack it first, or use "dist load"' : 'is no tar archive');
  }
  const prefix = block.toString('latin1', 257, 262) === 'ustar' && block[263] === 0x30 ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const flag = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    size: number(block, 124, 12),
    type: flag === '\0' ? '0' : flag,
  };
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or a big-endian number behind the bit 0x80 (GNU). */
function number(block: Buffer, at: number, length: number): number {
  if (((block[at] ?? 0) & 0x80) === 0) return Number.parseInt(text(block, at, length).trim() || '0', 8);
  const bytes = Buffer.from(block.subarray(at, at + length));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Number(BigInt(`0x${bytes.toString('hex')}`));
}

function extension(type: string, bytes: Buffer, what: string): Partial<Header> {
  if (type === 'L') return { name: text(bytes, 0, bytes.length) };
  if (type === 'K') return { link: text(bytes, 0, bytes.length) };
  if (type === 'g') return {};
  const { path, linkpath, size } = Object.fromEntries(paxRecords(bytes, what)) as Readonly<Record<string, string>>;
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw refused(what, 'has a broken extended header');
  return {
    ...(path !== undefined && { name: path }),
    ...(linkpath !== undefined && { link: linkpath }),
    ...(size !== undefined && { size: Number(size) }),
  };
}

/** Records `length key=value` (pax, "pax Extended Header"). */
function* paxRecords(bytes: Buffer, what: string): Generator<readonly [string, string]> {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)));
    if (!Number.isSafeInteger(length) || length < 5 || at + length > bytes.length) {
      throw refused(what, 'has a broken extended header');
    }
    const record = bytes.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    yield [record.slice(0, equals), record.slice(equals + 1)];
    at += length;
  }
}

/** One that leads out of the archive can name nothing in it. */
function normalized(path: string): string {
  return posix.normalize(path).replace(/^\/+/, '').replace(/\/$/, '');
}

function refused(what: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `${what} ${why}`);
}
