import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

test('demo: a real Redis is pulled, run, asked, stopped and removed, and nothing stays', async (t) => {
  const temporary = await tempDir(t);
  const { code, stdout, stderr } = await run(
    process.execPath,
    ['--import', 'tsx', join(PACKAGE_ROOT, 'scripts/demo.ts')],
    {
      cwd: PACKAGE_ROOT,
      env: { ...process.env, TMPDIR: temporary.path, TSX_DISABLE_CACHE: '1' },
      timeoutMs: 120_000,
    },
  );
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
