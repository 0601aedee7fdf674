import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBuilt } from '../support/cli.js';
import { openSetting } from '../support/fault-world.js';
import { output } from '../support/run.js';

const POINT = 'the draft of an object in a layout is flushed';

test('daemon killed in the middle of a push to a layout: the next push takes the draft away, and no other one', async () => {
  await using setting = await openSetting();
  const { daemon, name, points } = setting;
  const dist = async (...args: readonly string[]) => {
    const { code, stderr } = await runBuilt('dist', daemon, args);
    return { code, stderr: stderr.toString() };
  };
  assert.deepEqual(await dist('pull', '--plain-http', name), { code: 0, stderr: '' });
  const layout = join(daemon.dir, 'layout');
  const drafts = async () => (await readdir(join(layout, 'blobs'))).filter((each) => each.startsWith('.')).sort();

  await writeFile(join(points, POINT), '1');
  assert.notEqual((await dist('push', name, `oci:${layout}:v1`)).code, 0);
  await daemon.kill();
  await rm(join(points, POINT));
  assert.ok((await drafts()).length > 0);

  // Another program's, which is at work.
  const locked = join(layout, 'blobs', '.wharfd-draft-0');
  const other = spawn('flock', [locked, 'sh', '-c', 'echo locked; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  await daemon.start();
  assert.equal((await dist('push', name, `oci:${layout}:v1`)).code, 0);
  assert.deepEqual(await drafts(), ['.wharfd-draft-0']);
  other.stdin.end();
  await once(other, 'exit');
  assert.equal((await dist('push', name, `oci:${layout}:v2`)).code, 0);
  assert.deepEqual(await drafts(), []);

  // Whatever else is called like a draft stays, and is in nobody's way.
  await mkdir(join(layout, 'blobs', '.wharfd-draft-1'));
  await symlink('/nowhere', join(layout, 'blobs', '.wharfd-draft-2'));
  assert.deepEqual(await dist('push', name, `oci:${layout}:v2`).then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(await drafts(), ['.wharfd-draft-1', '.wharfd-draft-2']);
  await output('umoci', ['stat', '--image', `${layout}:v2`]);
});
