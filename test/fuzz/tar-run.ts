import assert from 'node:assert/strict';
import { createContext, Script } from 'node:vm';
import { DaemonError } from '../../src/base/errors.js';
import type { TarEntry } from '../../src/drivers/diff-tar/tar-entry.js';
import { TarParser } from '../../src/drivers/diff-tar/tar-parser.js';
import { randomArchive } from './random-archive.js';
import { Random } from './random.js';

/** Small, so that archives of some KiB come to it. */
const MAX_EXTENDED_BYTES = 4096;
/** An archive of some KiB takes a millisecond; what takes this long goes round in circles. */
const HANG_MS = 30_000;
const ALLOWED_KINDS = new Set(['invalid-argument', 'resource-exhausted', 'data-loss']);

/** What a reader made of an archive: the members up to the error, the last one perhaps in part. */
export interface Parsed {
  readonly members: { readonly entry: TarEntry; readonly content: Buffer; readonly whole: boolean }[];
  readonly error?: string;
}

/** Parses an archive in pieces whose sizes `next` gives. @throws What is no error of ours. */
export function parseInPieces(archive: Buffer, next: () => number, maxExtendedBytes = MAX_EXTENDED_BYTES): Parsed {
  const members: Parsed['members'] = [];
  let open: { entry: TarEntry; parts: Buffer[] } | undefined;
  const close = (whole: boolean) => {
    if (open) members.push({ entry: open.entry, content: Buffer.concat(open.parts), whole });
    open = undefined;
  };
  const parser = new TarParser(
    {
      entry(entry, bytes) {
        assert.equal(open, undefined, 'an entry begins before the last one ended');
        open = { entry, parts: bytes ? [Buffer.from(bytes)] : [] };
        if (bytes) close(true);
      },
      data(bytes) {
        assert.ok(open, 'data of no entry');
        open.parts.push(Buffer.from(bytes));
      },
      end() {
        assert.ok(open, 'an end of no entry');
        close(true);
      },
    },
    maxExtendedBytes,
  );
  try {
    for (let at = 0; at < archive.length;) {
      const size = next();
      parser.push(archive.subarray(at, at + size));
      at += size;
    }
    parser.finish();
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    assert.ok(ALLOWED_KINDS.has(error.kind), `an error of kind ${error.kind}: ${error.message}`);
    close(false);
    return { members, error: `${error.kind}: ${error.message}` };
  }
  assert.equal(open, undefined, 'an entry has no end');
  return { members };
}

/**
 * One run of the fuzzing: makes the archive of `seed`, parses it whole, byte by byte and in random pieces, and checks that all
 * three agree, that only errors of ours come, and that no member holds more than the bounds allow.
 *
 * @returns How the archive ended, for counting.
 * @throws An error that names the seed.
 */
export function fuzzTar(seed: number): string {
  try {
    const run = { check: () => checkSeed(seed), ending: '' };
    new Script('ending = check()').runInContext(createContext(run), { timeout: HANG_MS });
    return run.ending;
  } catch (cause) {
    throw new Error(`tar, seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function checkSeed(seed: number): string {
  const random = new Random(seed);
  const archive = randomArchive(random);
  const whole = parseInPieces(archive, () => archive.length);
  const splits = new Random(seed ^ 0x55555555);
  assert.deepEqual(
    parseInPieces(archive, () => 1),
    whole,
    'byte by byte it reads otherwise than whole',
  );
  assert.deepEqual(
    parseInPieces(archive, () => 1 + splits.below(1500)),
    whole,
    'in pieces it reads otherwise than whole',
  );
  for (const { entry, content, whole: complete } of whole.members) {
    checkBounds(entry);
    assert.ok(content.length <= entry.storedBytes, 'more data than the entry says');
    if (complete) assert.equal(content.length, entry.storedBytes, 'less data than the entry says');
  }
  return whole.error?.split(':')[0] ?? 'read to the end';
}

/** An entry has its own extended headers and the global ones, each within the bound; a segment takes four bytes of a map at least. */
function checkBounds(entry: TarEntry): void {
  const xattrs = [...(entry.xattrs ?? [])].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  assert.ok(xattrs <= 2 * MAX_EXTENDED_BYTES, `${xattrs} bytes of extended attributes`);
  assert.ok((entry.sparse?.length ?? 0) <= MAX_EXTENDED_BYTES / 4, `${entry.sparse?.length} segments`);
  assert.ok(
    entry.name.length <= MAX_EXTENDED_BYTES && entry.link.length <= MAX_EXTENDED_BYTES,
    'a name over the bound',
  );
  for (const name of [entry.name, entry.link]) assert.ok(!name.includes(0), 'a NUL in a name');
  for (const number of [entry.storedBytes, entry.sizeBytes, entry.uid, entry.gid]) {
    assert.ok(Number.isSafeInteger(number) && number >= 0, `the number ${number}`);
  }
}
