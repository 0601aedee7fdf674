import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { PACKAGE_ROOT } from '../../../test/support/package-root.js';
import { output } from '../../../test/support/run.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DaemonError } from '../../base/errors.js';
import { nativePath } from '../../base/native-path.js';
import { digestOf } from '../../spec/digest.js';
import { createKernel } from '../../sys/kernel.js';
import { findInflater, inflated } from './inflate-process.js';

const kernel = createKernel();
const PROGRAM = nativePath('wharfd-inflate');
const PIECE_BYTES = 128 * 1024;
const seed = Number(process.env['WHARFD_SEED'] ?? 1);

/** Repeats itself, so that it packs well, and not only. */
function content(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = length | 1; at < length; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = at % 7000 < 5000 ? (at >> 5) & 0xff : state >>> 24;
  }
  return bytes;
}

async function inflate(path: string, blob: Uint8Array, program = PROGRAM): Promise<Buffer> {
  await writeFile(path, blob);
  const stream = inflated(path, program, kernel);
  const pieces: Buffer[] = [];
  for await (const piece of stream.chunks) {
    assert.ok(stream.bytesRead() > 0 && stream.bytesRead() <= blob.length);
    pieces.push(Buffer.from(piece));
  }
  const all = Buffer.concat(pieces);
  assert.equal(stream.diffId(), digestOf(all));
  assert.equal(stream.bytesRead(), blob.length);
  return all;
}

/** Processes of the program that this one has started and that are there, zombies among them. */
function inflaters(): number[] {
  const threads = readdirSync('/proc/self/task');
  const children = threads.flatMap((id) => readFileSync(`/proc/self/task/${id}/children`, 'utf8').split(' '));
  return children
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('wharfd-inflate'))
    .map(Number);
}

const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('memfd:wharfd').length - 1;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('the bytes and their hash, whatever members the file is made of', async (t) => {
  const { path: home } = await tempDir(t);
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 3 * PIECE_BYTES }),
    fc.constantFrom(0, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 40 * PIECE_BYTES),
  );
  const member = fc.record({ size: sizes, level: fc.integer({ min: 0, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 600 }),
      async (members, padding) => {
        const parts = members.map(({ size }) => content(size));
        const packed = parts.map((part, at) => gzipSync(part, { level: members[at]?.level ?? 6 }));
        const all = await inflate(join(home, 'blob'), Buffer.concat([...packed, Buffer.alloc(padding)]));
        assert.ok(all.equals(Buffer.concat(parts)));
      },
    ),
    { seed, numRuns: 40 },
  );
});

test('under the sanitizers: changed bytes are found, and what is found to be whole is', async (t) => {
  const { path: home } = await tempDir(t);
  await output('make', ['-C', join(PACKAGE_ROOT, 'native/inflate'), `OUT=${home}`, 'sanitized']);
  const whole = content(3000);
  const packed = Buffer.concat([gzipSync(whole.subarray(0, 2000)), gzipSync(whole.subarray(2000), { level: 1 })]);
  const change = fc.record({ at: fc.nat(packed.length - 1), to: fc.integer({ min: 0, max: 255 }) });
  const cut = fc.option(fc.nat(packed.length), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 4 }), cut, async (changes, length) => {
      const blob = Buffer.from(packed.subarray(0, length));
      for (const { at, to } of changes) if (at < blob.length) blob[at] = to;
      try {
        const all = await inflate(join(home, 'blob'), blob, join(home, 'test/wharfd-inflate'));
        // All of it, or the first member where the second was cut off or its first byte became one of padding.
        assert.ok(all.equals(whole) || all.equals(whole.subarray(0, 2000)) || all.length === 0);
      } catch (error) {
        assert.ok(error instanceof DaemonError && error.kind === 'data-loss', String(error));
        assert.doesNotMatch(error.message, /Sanitizer|runtime error|ended with/);
      }
    }),
    { seed, numRuns: 300 },
  );
});

function assertConfined(status: string): void {
  assert.match(status, /^Seccomp:\s2$/m);
  assert.match(status, /^NoNewPrivs:\s1$/m);
  assert.match(status, /^Uid:\s65534\s65534\s65534\s65534$/m);
  assert.match(status, /^Gid:\s65534\s65534\s65534\s65534$/m);
  assert.match(status, /^Groups:\s*$/m);
  assert.match(status, /^CapEff:\s0+$/m);
}

test('the process may do nothing but its work, and is nobody', async (t) => {
  const { path: home } = await tempDir(t);
  await writeFile(join(home, 'blob'), gzipSync(content(40 * PIECE_BYTES)));
  const before = { descriptors: descriptors(), mappings: mappings() };
  for await (const _ of inflated(join(home, 'blob'), PROGRAM, kernel).chunks) {
    const [pid] = inflaters();
    const threads = readdirSync(`/proc/${pid}/task`);
    assert.equal(threads.length, 2);
    for (const thread of threads) assertConfined(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
    assert.equal(readdirSync(`/proc/${pid}/fd`).length, 5 + 2); // given, and the two counters between its threads
    break; // and whoever stops early leaves nothing behind
  }
  await new Promise(setImmediate);
  assert.deepEqual(inflaters(), []);
  assert.deepEqual({ descriptors: descriptors(), mappings: mappings() }, before);
});

test('a process that is killed is data loss, and says so', async (t) => {
  const { path: home } = await tempDir(t);
  await writeFile(join(home, 'blob'), gzipSync(content(40 * PIECE_BYTES)));
  const { chunks } = inflated(join(home, 'blob'), PROGRAM, kernel);
  const read = async () => {
    for await (const _ of chunks) for (const pid of inflaters()) process.kill(pid, 'SIGKILL');
  };
  await assertRejectsWithKind(read(), 'data-loss', /gzip stream .* ended with SIGKILL/);
});

test('a process that gets no thread says so, and that the blob is broken it does not', async (t) => {
  const { path: home } = await tempDir(t);
  await writeFile(join(home, 'blob'), gzipSync(content(PIECE_BYTES)));
  const limited = join(home, 'limited');
  await writeFile(limited, `#!/bin/bash\nulimit -u 0\nexec ${PROGRAM} "$@"\n`, { mode: 0o755 });
  const read = async () => {
    for await (const _ of inflated(join(home, 'blob'), limited, kernel).chunks) continue;
  };
  await assertRejectsWithKind(read(), 'resource-exhausted', /limited cannot begin: Resource temporarily unavailable/);
});

test('where the program does not run, it is not found', async () => {
  const ended = (code: number) => ({
    run: () => Promise.resolve({ code, signal: undefined, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }),
  });
  assert.equal(await findInflater(kernel.programs), PROGRAM);
  assert.equal(await findInflater(ended(127)), undefined); // a library is missing (ld.so)
  const absent = { run: () => Promise.reject(new DaemonError('not-found', 'no such program')) };
  assert.equal(await findInflater(absent), undefined);
});
