import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { output, run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

test("the addon's C functions do what they say, without a leak or undefined behaviour", async (t) => {
  const build = await tempDir(t);
  const scratch = await tempDir(t);
  await output('make', ['-C', join(PACKAGE_ROOT, 'native/addon'), `OUT=${build.path}`, 'core-test']);
  const { code, stdout, stderr } = await run(join(build.path, 'test/addon-core-test'), [scratch.path]);
  assert.deepEqual(
    { code, stdout: stdout.toString(), stderr: stderr.toString() },
    { code: 0, stdout: 'all well\n', stderr: '' },
  );
});

test("the session of a gRPC connection holds against a client of libnghttp2 and against bytes that are none of one's", async (t) => {
  const build = await tempDir(t);
  await output('make', ['-C', join(PACKAGE_ROOT, 'native/grpc'), `OUT=${build.path}`, 'session-test']);
  const { code, stdout, stderr } = await run(join(build.path, 'test/grpc-session-test'), []);
  assert.deepEqual(
    { code, stdout: stdout.toString(), stderr: stderr.toString() },
    { code: 0, stdout: 'all well\n', stderr: '' },
  );
});
