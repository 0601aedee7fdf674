import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf } from '../../base/errors.js';
import { exitCodeOf } from './exit-codes.js';
import { parseMount } from './mount-option.js';
import { parseSignal } from '../../spec/signal-name.js';
import { targetOf } from './target.js';

const refused = (error: unknown) => kindOf(error) === 'invalid-argument';

test('signals are read by name, with or without SIG, and by number', () => {
  assert.equal(parseSignal('TERM'), 15);
  assert.equal(parseSignal('sigkill'), 9);
  assert.equal(parseSignal('1'), 1);
  assert.equal(parseSignal('RTMIN+3'), 37);
  assert.equal(parseSignal('SIGRTMAX-1'), 63);
  for (const bad of ['', '0', '65', '-9', 'NOPE', 'RTMAX+1', '9x', '__proto__']) {
    assert.throws(() => parseSignal(bad), refused, bad);
  }
});

test("mounts are read in containerd's and in docker's words", () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,options=rbind:ro'), {
    type: 'bind',
    source: '/a',
    target: '/b',
    options: ['rbind', 'ro'],
  });
  assert.deepEqual(parseMount('source=/a,target=/b,readonly'), {
    type: 'bind',
    source: '/a',
    target: '/b',
    options: ['rbind', 'ro'],
  });
  assert.deepEqual(parseMount('type=tmpfs,dst=/t,options=size=64k'), {
    type: 'tmpfs',
    source: 'tmpfs',
    target: '/t',
    options: ['size=64k'],
  });
  for (const bad of [
    '',
    'src=/a',
    'dst=/b',
    'src=a,dst=/b',
    'src=/a,dst=b',
    'src=/a,dst=/b,x=y',
    'src=/a,dst=/b,ro=no',
  ]) {
    assert.throws(() => parseMount(bad), refused, bad);
  }
});

test('with --id all words are left, without it the first is the id', () => {
  assert.deepEqual(targetOf('foo', ['TERM']), { id: 'foo', rest: ['TERM'] });
  assert.deepEqual(targetOf(undefined, ['foo', 'TERM']), { id: 'foo', rest: ['TERM'] });
  assert.throws(() => targetOf(undefined, []), refused);
});

test('what the runtime says of the program decides between 125, 126 and 127', () => {
  const create =
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:';
  assert.equal(exitCodeOf(`${create} exec: "nope": executable file not found in $PATH: unknown`), 127);
  assert.equal(exitCodeOf(`${create} exec: "/nope": stat /nope: no such file or directory: unknown`), 127);
  assert.equal(exitCodeOf(`${create} exec: "/etc/passwd": permission denied: unknown`), 126);
  assert.equal(
    exitCodeOf('OCI runtime exec failed: exec failed: unable to start container process: exec /x: exec format error'),
    126,
  );
  assert.equal(
    exitCodeOf(`${create} error during container init: error mounting "/a" to rootfs: no such file or directory`),
    125,
  );
  assert.equal(exitCodeOf('image docker.io/library/x:latest: not found'), 125);
});
