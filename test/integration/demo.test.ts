import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const DEMO = ['--import', 'tsx', join(PACKAGE_ROOT, 'scripts/demo.ts')];
const READY = 'Ready to accept connections';

test('demo: a real Redis is pulled, run, asked, stopped and removed, and nothing stays', async (t) => {
  const temporary = await tempDir(t);
  const { code, stdout, stderr } = await run(process.execPath, DEMO, {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, TMPDIR: temporary.path, TSX_DISABLE_CACHE: '1' },
    timeoutMs: 120_000,
  });
  const text = stdout.toString();
  assert.equal(code, 0, `${text}\n${stderr.toString()}`);

  const reference = /\$ dist pull (\S+)/.exec(text)?.[1] ?? '';
  assert.match(reference, /^127\.0\.0\.1:\d+\/library\/redis:latest$/);
  const row = new RegExp(
    `^${reference} +application/vnd\\.oci\\.image\\.manifest\\.v1\\+json +sha256:[0-9a-f]{64} +[\\d.]+ MiB`,
    'm',
  );
  assert.match(text, row);
  assert.match(text, /Ready to accept connections/);
  assert.match(text, /\$ ctr exec foo redis-cli PING\nPONG\n/);
  const [, key, value, answer] =
    /redis-cli SET (\S+) (\S+)\nOK\n\n\$ ctr exec foo redis-cli GET \S+\n(\S+)\n/.exec(text) ?? [];
  assert.equal(key, `demo:${value ?? ''}`);
  assert.equal(answer, value);

  const listed = /^foo +(\d+) +RUNNING/m.exec(text)?.[1];
  const own = /^process_id:(\d+)/m.exec(text)?.[1];
  const ids = /\(NSpid: (\d+)(?: \d+)* (\d+)\)/.exec(text)?.slice(1);
  assert.deepEqual(ids, [listed, own]);
  assert.match(text, /Redis's own exit code: 0\n/);
  assert.match(text, /\$ ctr list\nID +PID +STATUS.*\n\n\$ dist rmi/);
  assert.match(text, /\$ dist images\nREF +TYPE +DIGEST +SIZE.*\n\n# Done/);

  assert.deepEqual(await readdir(temporary.path), [], 'files left behind');
  await assertNothingLeft({ dirs: [temporary.path] });
});

test('demo: stopped by Ctrl-C in the middle, it leaves nothing either', async (t) => {
  const temporary = await tempDir(t);
  const demo = spawn(process.execPath, DEMO, {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, TMPDIR: temporary.path, TSX_DISABLE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  let told = '';
  demo.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
  demo.stdout.on('data', (bytes: Buffer) => {
    const before = text.includes(READY);
    text += bytes.toString();
    // A terminal sends it to all of its foreground.
    if (!before && text.includes(READY) && demo.pid !== undefined) process.kill(-demo.pid, 'SIGINT');
  });
  const code = await new Promise((resolve) => demo.once('close', resolve));
  assert.equal(code, 1, text);
  assert.match(told, /^demo: stopped by SIGINT$/m);
  assert.deepEqual(await readdir(temporary.path), [], 'files left behind');
  await assertNothingLeft({ dirs: [temporary.path] });
});
