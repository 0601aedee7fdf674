import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createDescriptors } from './descriptors.js';
import { createPrograms } from './programs.js';

const programs = createPrograms();
const descriptors = createDescriptors();
const shell = (script: string, options = {}) => programs.run('sh', ['-c', script], options);

describe('programs', () => {
  test('input, output, exit code and the signal that ended it', async () => {
    const echoed = await shell('cat; echo bad >&2; exit 7', { stdin: Buffer.from('in') });
    assert.deepEqual([echoed.code, String(echoed.stdout), String(echoed.stderr)], [7, 'in', 'bad\n']);
    const killed = await shell('kill -TERM $$');
    assert.deepEqual([killed.code, killed.signal], [143, 'SIGTERM']);
    assert.equal((await shell('exit 0', { stdin: Buffer.alloc(1 << 20) })).code, 0);
  });

  test('a child gets no environment, descriptor or folder that it was not given', async (t) => {
    const { path } = await tempDir(t);
    const leak = openSync(path, 'r');
    t.after(() => {
      closeSync(leak);
    });
    const { stdout } = await shell('pwd; echo /proc/self/fd/*');
    // The shell itself has the folder open that it lists.
    assert.match(String(stdout), /^\/\n\S+\/0 \S+\/1 \S+\/2( \S+\/3)?\n$/u);
    assert.match(String((await programs.run('env', [])).stdout), /^PATH=[^\n]+\n$/u);
    const { read, write } = descriptors.pipe();
    assert.equal((await shell('echo given >&3', { extraFds: [write] })).code, 0);
    const bytes = Buffer.alloc(6);
    const reader = await programs.run('head', ['-c', '6'], { stdin: read });
    reader.stdout.copy(bytes);
    assert.equal(String(bytes), 'given\n');
    descriptors.close(read);
    descriptors.close(write);
  });

  test('too long, too much and not wanted any more: the child has ended in each case', async (t) => {
    const { path } = await tempDir(t);
    const mark = join(path, 'pid');
    const forever = `echo $$ > ${mark}; exec sleep 1000`;
    await assertRejectsWithKind(
      shell(forever, { timeoutMs: 200 }),
      'deadline-exceeded',
      /\bsh did not end within 200 ms/u,
    );
    await assertRejectsWithKind(shell('exec yes', { maxOutputBytes: 1000 }), 'resource-exhausted', /over 1000 bytes/u);
    const controller = new AbortController();
    const running = shell(forever, { signal: controller.signal });
    controller.abort(new Error('stop it'));
    await assert.rejects(running, /stop it/u);
  });

  test('a descendant that keeps the pipes does not keep us', async () => {
    const { stdout } = await shell('sleep 3 & echo done');
    assert.equal(String(stdout), 'done\n');
  });

  test('what cannot be started is told by its name', async (t) => {
    const { path } = await tempDir(t);
    const script = join(path, 'script');
    await writeFile(script, '#!/no/such/interpreter\n');
    await assertRejectsWithKind(programs.run(script, []), 'permission-denied', /script is not executable/u);
    await chmod(script, 0o755);
    await assertRejectsWithKind(programs.run(script, []), 'not-found', /interpreter/u);
    await assertRejectsWithKind(programs.run('no-such-runtime', []), 'not-found', /no-such-runtime.*install/u);
    await assertRejectsWithKind(programs.run('bin/runc', []), 'invalid-argument', /absolute/u);
    assert.equal(await programs.find('no-such-runtime'), undefined);
    assert.match((await programs.find('sh')) ?? '', /^\/.*\/sh$/u);
  });

  test('a started program streams, and its scope ends it', async () => {
    await using counting = await programs.start('cat', [], { stdin: 'pipe', stdout: 'pipe' });
    counting.stdin?.end('streamed');
    assert.ok(counting.stdout);
    assert.equal(await text(counting.stdout), 'streamed');
    assert.deepEqual(await counting.ended, { code: 0, signal: undefined });
    const sleeping = await programs.start('sleep', ['1000']);
    await sleeping[Symbol.asyncDispose]();
    assert.deepEqual(await sleeping.ended, { code: 137, signal: 'SIGKILL' });
  });
});
