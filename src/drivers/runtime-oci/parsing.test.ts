import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { encodeFrame, FrameReader } from './frames.js';
import { KEPT_BYTES, KeptBytes } from './kept-bytes.js';
import { lastErrorMessage } from './oci-cli.js';
import { parseCgroup } from './oom-watch.js';
import { mappedRootGroup } from './spec-fields.js';
import { stdioTargets } from './stdio-target.js';

test('frames are cut wherever the bytes break, and a longer one than allowed is refused', () => {
  const bytes = Buffer.concat([
    encodeFrame(160, 0, Buffer.from('abc')),
    encodeFrame(128, 513),
    encodeFrame(130, 7, Buffer.alloc(65_536)),
  ]);
  for (const step of [1, 7, 8, 9, 1000, bytes.length]) {
    const reader = new FrameReader();
    const seen: unknown[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const { type, tag, payload } of reader.push(bytes.subarray(at, at + step)))
        seen.push([type, tag, payload.length]);
    }
    assert.deepEqual(seen, [
      [160, 0, 3],
      [128, 513, 0],
      [130, 7, 65_536],
    ]);
  }
  assert.throws(() => new FrameReader().push(Buffer.from([160, 0, 0, 0, 0, 1, 0, 1])), RangeError);
});

test('kept bytes are the newest, in order', () => {
  const kept = new KeptBytes();
  kept.push(Buffer.alloc(KEPT_BYTES, 'a'));
  kept.push(Buffer.from('bc'));
  assert.equal(kept.room, 0);
  assert.equal(kept.bytes().subarray(-4).toString(), 'aabc');
  kept.push(Buffer.alloc(KEPT_BYTES + 5, 'd'));
  kept.push(Buffer.from('e'));
  kept.drop(KEPT_BYTES - 2);
  assert.deepEqual([kept.size, kept.bytes().toString()], [2, 'de']);
});

test('the last error of a runtime log counts, torn lines do not', () => {
  const line = (level: string, msg: string) => JSON.stringify({ level, msg, time: '' });
  const log = [line('error', 'first'), line('error', 'the cause'), line('warning', 'later'), '{"level":"err'].join(
    '\n',
  );
  assert.equal(lastErrorMessage(log), 'the cause');
  assert.equal(lastErrorMessage('panic: x'), undefined);
});

test('the memory cgroup is found in v1, hybrid and v2 listings', () => {
  assert.deepEqual(parseCgroup('4:memory:/a/b:c\n0::/u\n'), { path: '/a/b:c', unified: false });
  assert.deepEqual(parseCgroup('0::/u\n3:cpu,memory:/m\n'), { path: '/m', unified: false });
  assert.deepEqual(parseCgroup('0::/u\n'), { path: '/u', unified: true });
  assert.equal(parseCgroup('1:name=systemd:/\n'), undefined);
});

test("a user namespace's root group is found, and nothing in a spec that has none or is no JSON", () => {
  const spec = (gidMappings: unknown) => Buffer.from(JSON.stringify({ linux: { gidMappings } }));
  assert.equal(
    mappedRootGroup(
      spec([
        { containerID: 1, hostID: 5 },
        { containerID: 0, hostID: 100_000, size: 1 },
      ]),
    ),
    100_000,
  );
  for (const bytes of [
    spec([{ containerID: 0, hostID: 0 }]),
    spec([null]),
    spec('x'),
    Buffer.from('null'),
    Buffer.from('{'),
  ]) {
    assert.equal(mappedRootGroup(bytes), undefined);
  }
});

test('stdio: absolute paths and fifo:// are taken, programs and relative paths are not', async () => {
  const stdio = { stdin: '', stdout: '/run/a b', stderr: 'fifo:///run/c%20d?x=1', terminal: false };
  assert.deepEqual(await stdioTargets({ stdio }), [
    { kind: 'null' },
    { kind: 'path', path: '/run/a b' },
    { kind: 'path', path: '/run/c d' },
  ]);
  assert.deepEqual((await stdioTargets({ stdio: { ...stdio, terminal: true } }))[2], { kind: 'null' });
  for (const [stdout, kind] of [
    ['binary:///bin/sh', 'unimplemented'],
    ['a/b', 'invalid-argument'],
    ['file://x', 'invalid-argument'],
    ['/a\0b', 'invalid-argument'],
  ] as const) {
    await assertRejectsWithKind(stdioTargets({ stdio: { ...stdio, stdout } }), kind);
  }
});
