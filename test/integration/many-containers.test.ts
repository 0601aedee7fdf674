import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { ctr } from '../../src/cli/ctr/program.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNoMoreDescriptors, assertNothingLeft, openDescriptors } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const IN_A_ROW = 200;
const AT_ONCE = 50;
const MOST_BYTES = 1 << 20;

/** Writes so many bytes of the blob to stdout and to stderr, both at once, and exits as it is told. */
const SCRIPT = 'head -c "$1" /blob & tail -c "$2" /blob >&2; wait; exit "$3"';

for (const reaper of ['monitor', 'daemon']) {
  test(`containers, reaper ${reaper}: ${IN_A_ROW} in a row and ${AT_ONCE} at once, every status and every byte`, async () => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon({ config: { reaper } });
    const blob = randomBytes(MOST_BYTES);
    const entries = [...(await busyboxEntries()), { path: 'blob', data: blob }];
    const image = makeImage({ layers: [await makeLayer(entries)], settings: { Env: ['PATH=/bin'] } });
    const reference = await registry.push(image, 'blob');
    const pulled = await runBuilt('dist', daemon, ['pull', reference]);
    assert.equal(pulled.code, 0, pulled.stderr.toString());

    const snapshots = await snapshotsOf(daemon);
    await runOne(daemon, reference, blob, 'first');
    const descriptors = await openDescriptors(daemon.pid);
    for (let at = 0; at < IN_A_ROW; at++) await runOne(daemon, reference, blob, `row-${at}`);
    const together = Array.from({ length: AT_ONCE }, (_, at) => runOne(daemon, reference, blob, `once-${at}`));
    await Promise.all(together);

    await assertNothingLeft(daemon.mine);
    await assertNoMoreDescriptors(daemon.pid, descriptors);
    // The bytes go when the daemon next collects.
    await eventually(async () => assert.deepEqual(await snapshotsOf(daemon), snapshots), 60_000);
    const { stdout } = await runCommand(ctr, daemon, ['list']);
    assert.match(stdout, /^ID [^\n]*\n$/);
  });
}

async function runOne(daemon: TestDaemon, reference: string, blob: Buffer, id: string): Promise<void> {
  const [head, tail, status] = [randomInt(MOST_BYTES + 1), randomInt(MOST_BYTES + 1), randomInt(256)];
  const command = ['sh', '-c', SCRIPT, 'sh', String(head), String(tail), String(status)];
  const { code, bytes } = await runCommand(ctr, daemon, ['run', '--rm', '--id', id, reference, ...command]);
  const told = { code, stdout: sha256(bytes.stdout), stderr: sha256(bytes.stderr) };
  const wanted = {
    code: status,
    stdout: sha256(blob.subarray(0, head)),
    stderr: sha256(blob.subarray(MOST_BYTES - tail)),
  };
  assert.deepEqual(told, wanted, `${id}: ${bytes.stderr.subarray(0, 300).toString('latin1')}`);
}

function snapshotsOf(daemon: TestDaemon): Promise<string[]> {
  return readdir(join(daemon.root, 'overlayfs/snapshots'));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
