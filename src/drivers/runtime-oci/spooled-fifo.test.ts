import assert from 'node:assert/strict';
import { closeSync, mkdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SILENT } from '../../base/logger.js';
import { createDescriptors } from '../../sys/descriptors.js';
import { CriLog } from './cri-log.js';
import { SpoolLedger } from './spool-ledger.js';
import { SpooledFifo } from './spooled-fifo.js';
import type { StreamName } from './stream-name.js';

const descriptors = createDescriptors();
/** As long as the longest write, so that one fills a spool that was emptied before. */
const PIECE_BYTES = 12;
const LIMITS = { maxBytes: 1 << 30, maxFiles: 1 };
const STREAMS = ['stdout', 'stderr'] as const;

/** What the log has of a stream. */
function loggedOf(file: string, stream: StreamName): string {
  return readFileSync(file, 'latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, name]) => name === stream)
    .map(([, , tag, ...words]) => words.join(' ') + (tag === 'F' ? '\n' : ''))
    .join('');
}

/** Where a daemon dies: before the piece is logged, when so many lines of it are logged, or after that. */
const DEATHS = fc.oneof(fc.constant('before'), fc.nat(3), fc.constant('after'));
/** Writes of a process, each with the death that comes once it is moved into the file, if any. */
const WRITES = fc.array(
  fc.record({
    stream: fc.constantFrom(...STREAMS),
    text: fc.stringMatching(/^[a-c\n]{1,12}$/),
    death: fc.option(DEATHS, { freq: 2, nil: undefined }),
  }),
  { maxLength: 12 },
);

type Writes = readonly {
  readonly stream: StreamName;
  readonly text: string;
  readonly death: string | number | undefined;
}[];

/** What one daemon has of a process whose streams go through files in a folder. */
function openAsDaemon(dir: string) {
  const log = new CriLog(join(dir, 'output.log'), LIMITS, SILENT);
  const ledger = SpoolLedger.reopen(join(dir, 'taken'), log.position);
  log.keepLedger(ledger);
  const source = (stream: StreamName) => {
    const fifo = join(dir, stream);
    return new SpooledFifo({ descriptors, fifo, spool: `${fifo}.spool`, stream, ledger, pieceBytes: PIECE_BYTES });
  };
  const sources = { stdout: source('stdout'), stderr: source('stderr') };
  const pieces = { stdout: sources.stdout.chunks(), stderr: sources.stderr.chunks() };
  return { log, ledger, sources, pieces };
}

/** Logs as many lines of a piece as a daemon has done that was killed then. */
function logLines(dir: string, ledger: SpoolLedger, { stream, text }: { stream: StreamName; text: string }, n: number) {
  using log = new CriLog(join(dir, 'output.log'), LIMITS, SILENT);
  ledger.begin(stream);
  const part = text.split(/(?<=\n)/).slice(0, n);
  log.write(stream, Buffer.from(part.join(''), 'latin1'));
}

async function runAll(dir: string, writes: Writes): Promise<void> {
  const fds = STREAMS.map((stream) => {
    descriptors.makeFifo(join(dir, stream), 0o600);
    return descriptors.openFifo(join(dir, stream), 'both');
  });
  let daemon = openAsDaemon(dir);
  const die = async () => {
    for (const stream of STREAMS) {
      daemon.sources[stream].destroy();
      await daemon.pieces[stream].return(undefined);
    }
    daemon.log[Symbol.dispose]();
    daemon.ledger[Symbol.dispose]();
    daemon = openAsDaemon(dir);
  };
  for (const { stream, text, death } of writes) {
    writeSync(fds[STREAMS.indexOf(stream)] ?? -1, text, null, 'latin1');
    const { value } = await daemon.pieces[stream].next();
    if (death === undefined || death === 'after') daemon.log.write(stream, value ?? Buffer.alloc(0));
    else if (typeof death === 'number') logLines(dir, daemon.ledger, { stream, text }, death);
    if (death === undefined) continue;
    await die();
    // The next daemon finds in the file what is not in the log.
    for (const each of STREAMS) {
      while (daemon.ledger.taken(each) < statSync(join(dir, `${each}.spool`)).size) {
        daemon.log.write(each, (await daemon.pieces[each].next()).value ?? Buffer.alloc(0));
      }
    }
  }
  await die();
  for (const fd of fds) closeSync(fd);
}

test('whenever daemons die, all that came is logged, and once', async (t) => {
  const { path } = await tempDir(t);
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(WRITES, async (writes) => {
      turn += 1;
      const dir = join(path, String(turn));
      mkdirSync(dir);
      await runAll(dir, writes);
      for (const stream of STREAMS) {
        const wanted = writes.filter((write) => write.stream === stream).map(({ text }) => text);
        const file = join(dir, 'output.log');
        assert.equal(writes.length === 0 ? '' : loggedOf(file, stream), wanted.join(''));
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});
