import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { containerStats } from '../../src/client/stats.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openRegistry } from '../support/registry.js';
import { sessionOf } from '../support/whole-stores.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `ctr ${args.join(' ')}`);
  return stdout;
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('top: the processes of a container with their commands, whatever they call themselves', async () => {
  const script = `sh -c 'exec sleep 1001' & exec sleep 1002`;
  await ok('run', '-d', '--id', 'two', '--user', '1234', image, 'sh', '-c', script);
  await ok('exec', '-d', 'two', 'sh', '-c', 'sleep 1003; :', '\u001b[2J');
  await eventually(async () => {
    const rows = jsonLines(await ok('top', '--json', 'two'));
    const commands = rows.map(({ command }) => command);
    assert.ok(
      [1001, 1002, 1003].every((seconds) => commands.includes(`sleep ${seconds}`)),
      commands.join(),
    );
    assert.ok(rows.every(({ uid }) => uid === 1234));
  });
  const pid = /^two +(\d+) /m.exec(await ok('list'))?.[1] ?? '';
  const text = await ok('top', 'two');
  assert.match(text, /^UID +PID +PPID +STATE +TIME +COMMAND\n/);
  assert.match(text, new RegExp(`^1234 +${pid} +\\d+ +S +0:0\\d\\.\\d\\d +sleep 1002$`, 'm'));
  assert.ok(text.includes('?[2J') && !text.includes('\u001b'), text);
  await ok('delete', '-f', 'two');
  const { code, stderr } = await runCommand(ctr, daemon, ['top', 'two']);
  assert.equal(code, 1);
  assert.match(stderr, /two.*not found/);
});

test('stats: what containers use is what the kernel counts, for all that run or those that are named', async () => {
  const busy = 'x=$(head -c 20000000 /dev/zero | tr "\\0" x); while :; do :; done';
  await ok('run', '-d', '--id', 'busy', '-m', '512m', '--pids-limit', '77', image, 'sh', '-c', busy);
  await ok('run', '-d', '--id', 'idle', image, 'sleep', '1000');
  await eventually(async () => {
    const [row] = jsonLines(await ok('stats', '--no-stream', '--json', '--interval', '200ms', 'busy'));
    assert.ok(row);
    assert.ok(Number(row['memoryBytes']) > 15_000_000 && Number(row['cpuPercent']) > 1, JSON.stringify(row));
    assert.deepEqual([row['id'], row['memoryLimitBytes'], row['pids'], row['pidsLimit']], ['busy', 2 ** 29, 1, 77]);
  });
  const table = await ok('stats', '--no-stream', '--interval', '100ms');
  assert.match(
    table,
    /^ID +CPU +MEMORY +LIMIT +PIDS +READ +WRITTEN\nbusy .* 512\.0 MiB .*\nidle +\d+\.\d % .* - +1 .*\n$/,
  );
  using session = sessionOf(daemon);
  const [first] = await containerStats(session, ['idle']);
  const [second] = await containerStats(session, ['idle']);
  assert.ok(first && second && second.at >= first.at && second.cpuNs >= first.cpuNs);

  await ok('kill', 'idle', 'KILL');
  await eventually(async () => assert.match(await ok('list'), /^idle .*STOPPED/m));
  const { code, stderr } = await runCommand(ctr, daemon, ['stats', '--no-stream', 'busy', 'idle']);
  assert.deepEqual([code, stderr], [1, 'ctr: container idle does not run; "ctr list" shows which do\n']);
  const short = await runCommand(ctr, daemon, ['stats', '--interval', '1ms']);
  assert.match(short.stderr, /too short/);
  await ok('delete', '-f', 'busy', 'idle');
});
