/**
 * Fuzzes the readers of tar until it is stopped, or up to `RUNS` runs: `make fuzz`, `make fuzz SEED=1234 RUNS=1`. Every tenth run, plain
 * entries are made at once and one by one. A failure names the seed that shows it again, and ends with 1.
 */
import { randomInt } from 'node:crypto';
import { tempDir } from '../support/temp-dir.js';
import { fuzzPlain } from './plain-run.js';
import { fuzzTar } from './tar-run.js';

const REPORT_EVERY = 10_000;
const PLAIN_EVERY = 10;
const first = Number(process.env['SEED'] ?? randomInt(2 ** 31));
const runs = Number(process.env['RUNS'] ?? Infinity);

console.log(`fuzzing the readers of tar from seed ${first}; Ctrl-C ends it`);
await using home = await tempDir();
let ends = false;
process.once('SIGINT', () => (ends = true));
const hasEnded = (): boolean => ends;
for (let done = 0; done < runs && !hasEnded();) {
  fuzzTar(first + done);
  if (done % PLAIN_EVERY === 0) await fuzzPlain(first + done, home.path);
  done += 1;
  if (done % REPORT_EVERY === 0 || done === runs) console.log(`${done} archives, nothing found`);
}
