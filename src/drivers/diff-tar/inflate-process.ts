import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { DaemonError, isErrno, isKind } from '../../base/errors.js';
import { nativePath } from '../../base/native-path.js';
import { Teardown } from '../../base/teardown.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { Programs } from '../../core/kernel/programs.js';
import { parseDigest, type Digest } from '../../spec/digest.js';
import { broken, keepText, type LayerStream, type UnpackKernel } from './layer-stream.js';

/** Of what a processor has close by, and as many as bridge the pauses of either side; measured. */
const PIECE_BYTES = 128 * 1024;
const PIECES = 32;
/** A record: compressed bytes read and the length of a piece, 64 bits each, and the sha256 of everything (native/inflate/main.c). */
const TAKEN_AT = 0;
const LENGTH_AT = 8;
const SHA256_AT = 16;
const RECORD_BYTES = 48;
/** How the program ends when it is given nothing to do, or can't begin. */
const MISUSED = 2;

/**
 * The program that takes gzip off, if it runs here: it needs ISA-L's library.
 *
 * @returns Its path; undefined: it does not.
 */
export async function findInflater(programs: Pick<Programs, 'run'>): Promise<string | undefined> {
  try {
    const path = nativePath('wharfd-inflate');
    return (await programs.run(path, [])).code === MISUSED ? path : undefined;
  } catch (cause) {
    if (isKind(cause, 'failed-precondition') || isKind(cause, 'not-found')) return undefined;
    throw cause;
  }
}

/**
 * Takes gzip off a blob in a process that may do nothing but that, and hashes there. The bytes come through memory that both have, in
 * pieces that are filled in turn; what the process says of them is not believed further than it has to be.
 *
 * @param program What `findInflater` found.
 */
export function inflated(path: string, program: string, kernel: UnpackKernel): LayerStream {
  let taken = 0;
  let diffId: Digest | undefined;
  async function* chunks(): AsyncIterable<Buffer> {
    await using down = new Teardown();
    const { bytes, fd } = down.own(kernel.memory.share(PIECE_BYTES * PIECES));
    const process = await startProcess(down, { path, program, memory: fd }, kernel);
    const record = Buffer.alloc(RECORD_BYTES);
    for (let at = 0; kernel.files.read(process.records, record) === RECORD_BYTES; at = (at + 1) % PIECES) {
      taken = Math.min(Number(record.readBigUInt64LE(TAKEN_AT)), process.blobBytes);
      const length = Number(record.readBigUInt64LE(LENGTH_AT));
      if (length > PIECE_BYTES) throw broken('gzip', `${program} told of a piece of ${length} bytes`);
      if (length === 0) {
        diffId = parseDigest(`sha256:${record.toString('hex', SHA256_AT)}`);
        break;
      }
      yield bytes.subarray(at * PIECE_BYTES, at * PIECE_BYTES + length);
      signalFree(process.free);
    }
    await process.end();
  }
  return {
    chunks: chunks(),
    bytesRead: () => taken,
    diffId() {
      if (diffId === undefined) throw broken('gzip', 'it was not read to its end');
      return diffId;
    },
  };
}

interface InflateProcess {
  /** Where its records come from, and where a byte goes for each piece that may be filled once more. */
  readonly records: Fd;
  readonly free: Fd;
  readonly blobBytes: number;
  /** @throws data-loss: it has not come to the blob's end. resource-exhausted: it could not begin. */
  end(): Promise<void>;
}

async function startProcess(
  down: Teardown,
  { path, program, memory }: { readonly path: string; readonly program: string; readonly memory: Fd },
  { programs, descriptors }: UnpackKernel,
): Promise<InflateProcess> {
  const theirs: Fd[] = [];
  let blob: Fd | undefined;
  const pipe = (ours: 'read' | 'write') => {
    const ends = descriptors.pipe();
    down.add(() => {
      descriptors.close(ends[ours]);
    });
    theirs.push(ours === 'read' ? ends.write : ends.read);
    return ends;
  };
  try {
    const records = pipe('read');
    const free = pipe('write');
    blob = openSync(path, 'r');
    const extraFds = [memory, free.read];
    const options = { stdin: blob, stdout: records.write, stderr: 'pipe', extraFds } as const;
    const running = down.own(await programs.start(program, [String(PIECE_BYTES)], options));
    const complaint = keepText(running.stderr);
    return {
      ...{ records: records.read, free: free.write, blobBytes: statSync(path).size },
      async end() {
        const { code, signal } = await running.ended;
        if (code === MISUSED) throw new DaemonError('resource-exhausted', `${program} cannot begin: ${complaint()}`);
        if (code !== 0) throw broken('gzip', complaint() || `${program} ended with ${signal ?? code}`);
      },
    };
  } finally {
    // By the one that opened it: Node closes for a thread that ends what that has opened by it and not closed by it.
    if (blob !== undefined) closeSync(blob);
    for (const fd of theirs) descriptors.close(fd);
  }
}

/** One that has ended meanwhile needs none: its last record, or that there is none, says how. */
function signalFree(free: Fd): void {
  try {
    writeSync(free, '.');
  } catch (cause) {
    if (!isErrno(cause, 'EPIPE')) throw cause;
  }
}
