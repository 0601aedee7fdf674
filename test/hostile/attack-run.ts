/**
 * Runs the attacks that name a guard (the argument; all without) in this process and prints the outcomes as JSON. The test runs it as it
 * is, and bundled with one guard turned off; of one guard the first attack that gets through is enough.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Applier } from '../../src/core/diff/applier.js';
import type { AttackOutcome } from '../../src/core/selftest/selftest.js';
import { applyLayer } from '../../src/drivers/diff-tar/apply-layer.js';
import { runAttacks } from '../../src/selftest/hostile.js';
import { createKernel } from '../../src/sys/kernel.js';

const kernel = createKernel();
const applier: Applier = {
  apply: ({ onProgress, signal, ...request }) =>
    applyLayer(kernel, request, {
      report: (progress) => onProgress?.(progress),
      check: () => signal?.throwIfAborted(),
    }),
};

const [wanted] = process.argv.slice(2);
const home = await mkdtemp(join(tmpdir(), 'wharfd-attacks-'));
// Others may come this far, so that what keeps them out is what the attacks are told to meet.
await chmod(home, 0o755);
process.umask(0o027);
const scratch = join(home, 'scratch');
// What a layer brings would be found first.
process.env['PATH'] = [join(scratch, 'layer/usr/bin'), process.env['PATH']].join(':');
const outcomes: AttackOutcome[] = [];
try {
  const choose = ({ guard }: { readonly guard: string }) => wanted === undefined || guard === wanted;
  for await (const { outcome } of runAttacks({ applier, files: kernel.files, scratch }, { choose })) {
    outcomes.push(outcome);
    if (wanted !== undefined && outcome.complaints.length > 0) break;
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify(outcomes));
