import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listContainers } from '../../src/client/execution.js';
import { readLogs } from '../../src/client/logs.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { openRegistry } from '../support/registry.js';
import { output, WITH_US } from '../support/run.js';

/** 200 MB of lines that differ. */
const OUTPUT = `seq 1 23500000 | tr '\\n' ' ' | fold -w 1000`;
const END_MS = 120_000;

for (const { limit, whole } of [
  { limit: ['--log-max-size', '1GiB'], whole: true },
  { limit: [], whole: false },
]) {
  const kept = whole ? 'all of it' : 'its end';
  test(`200 MB of output while the client and then the daemon are killed: the log has ${kept}, byte for byte`, async () => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon();
    const image = await registry.push(await makeBusyboxImage(), 'busybox');
    assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
    const file = join(daemon.dir, 'output');
    await output('sh', ['-c', `${OUTPUT} > ${file}`]);
    const mount = ['--mount', `type=bind,src=${daemon.dir},dst=/box,options=rbind:ro`];
    const beginning = 'dd bs=1000 count=1 2>/dev/null; until [ -e /box/go ]; do sleep 0.05; done; cat';
    const script = `{ ${beginning}; } < /box/output; exit 7`;
    const command = ['run', '--detach', '--id', 'loud', ...mount, ...limit, image, 'sh', '-c', script];
    assert.equal((await runBuilt('ctr', daemon, command)).code, 0);
    const ctr = [process.execPath, join(PACKAGE_ROOT, 'build/cli/ctr.cjs'), 'attach', 'loud'];
    const client = spawn('setpriv', [...WITH_US, ...ctr], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace },
    });
    const gone = once(client, 'exit');
    let shown = 0;
    client.stdout.on('data', (bytes: Buffer) => (shown += bytes.length));
    // Only one that is attached slows the output down.
    await eventually(() => assert.ok(shown > 0), END_MS);
    await writeFile(join(daemon.dir, 'go'), '');
    await eventually(() => assert.ok(shown > 20_000_000), END_MS);
    client.kill('SIGKILL');
    await gone;
    await daemon.kill();
    await daemon.start();

    using session = openSession({ address: daemon.address, namespace: daemon.namespace });
    await eventually(async () => assert.equal((await listContainers(session))[0]?.status, 'stopped'), END_MS);
    assert.equal((await listContainers(session))[0]?.exitStatus, 7);
    const log = await readLog(session, 'loud');
    const expected = await textOf(file);
    if (whole) assert.deepEqual(log, { ...expected, missing: 0 });
    else {
      // Four full files and a part of the fifth, 10 MiB each with their heads of lines.
      assert.ok(log.bytes > 5_000_000 && log.bytes < 52_428_800, String(log.bytes));
      assert.deepEqual(log, { ...(await textOf(file, log.bytes)), missing: expected.bytes - log.bytes });
    }
    await session.service('wharfd.services.execution.v1.ExecutionService').remove({ id: 'loud', force: false });
    await assertNothingLeft(daemon.mine);
  });
}

interface Text {
  readonly bytes: number;
  readonly sha256: string;
}

async function readLog(session: Session, id: string): Promise<Text & { readonly missing: number }> {
  const hash = createHash('sha256');
  let [bytes, missing] = [0, 0];
  for await (const part of readLogs(session, { containerId: id })) {
    if ('missingBytes' in part) missing += part.missingBytes;
    else {
      hash.update(part.bytes);
      bytes += part.bytes.length;
    }
  }
  return { bytes, sha256: hash.digest('hex'), missing };
}

/** The bytes of a file, or the last of them. */
async function textOf(path: string, lastBytes?: number): Promise<Text> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { start: size - (lastBytes ?? size) })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
