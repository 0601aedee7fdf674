import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { openDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { run } from '../support/run.js';

test("containerd's ctr of another version: an image's whole life, and a container's, on our socket", async (t) => {
  const program = process.env.CTR ?? '';
  if (program === '') {
    t.skip("CTR names no ctr; give the path of containerd's, of any version from 1.6 on");
    return;
  }
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const told = async (line: string, code = 0): Promise<string> => {
    const args = ['--address', daemon.address, '--namespace', daemon.namespace, ...line.split(' ')];
    const ran = await run(program, args, { env: { PATH: process.env.PATH }, cwd: daemon.dir, timeoutMs: 60_000 });
    assert.equal(ran.code, code, `ctr ${line}: ${ran.stdout.toString()}${ran.stderr.toString()}`);
    return ran.stdout.toString();
  };
  const name = await registry.push(await makeBusyboxImage(), 'busybox', '1');
  await told('version');
  assert.match(await told('plugins ls'), /io.containerd.snapshotter.v1 +overlayfs/);
  await told(`images pull --plain-http ${name}`);
  assert.match(await told('images ls'), new RegExp(name));
  await told(`images tag ${name} example.com/other:1`);
  await told(`images push --plain-http ${registry.host}/pushed:1 ${name}`);
  await told(`images export ${join(daemon.dir, 'saved.tar')} ${name}`);
  await told(`images rm --sync ${name} example.com/other:1`);
  assert.equal(await told('content ls -q'), '');
  await told(`images import ${join(daemon.dir, 'saved.tar')}`);
  await told(`images pull --plain-http ${name}`);
  assert.equal(await told(`run --rm ${name} short echo hello`), 'hello\n');
  await told(`run --rm ${name} fails false`, 1);
  await told(`run -d ${name} long sleep 1000`);
  assert.equal(await told('tasks exec --exec-id e1 long echo inside'), 'inside\n');
  assert.match(await told('tasks ls'), /long +\d+ +RUNNING/);
  await told('tasks pause long');
  await told('tasks resume long');
  await told('tasks metrics long');
  await told('tasks kill --signal SIGKILL long');
  await told('tasks rm --force long').catch(() => '');
  await told('containers rm long');
  assert.match(await told('snapshots ls'), /Committed/);
  await told('leases create --id l1');
  await told('leases rm l1');
  await told(`images rm --sync ${name}`);
  await assertNothingLeft(daemon.mine);
});
