/**
 * Fuzzes the tar reader until it is stopped, or up to `RUNS` runs: `make fuzz`, `make fuzz SEED=1234 RUNS=1`.
 * A failure names the seed that shows it again, and ends with 1.
 */
import { randomInt } from 'node:crypto';
import { fuzzTar } from './tar-run.js';

const REPORT_EVERY = 10_000;
const first = Number(process.env['SEED'] ?? randomInt(2 ** 31));
const runs = Number(process.env['RUNS'] ?? Infinity);

console.log(`fuzzing the tar reader from seed ${first}; Ctrl-C ends it`);
for (let done = 0; done < runs;) {
  fuzzTar(first + done);
  done += 1;
  if (done % REPORT_EVERY === 0 || done === runs) console.log(`${done} archives, nothing found`);
}
