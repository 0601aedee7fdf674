import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { messages } from '../rpc/whole.js';
import { decodeRuntimeOptions } from './runtime-options.js';

test('options of runc are read, whatever the prefix of their type URL', () => {
  const value = messages.encode('containerd.runc.v1.Options', {
    ...{ binary_name: 'crun', root: '/run/x', systemd_cgroup: true, io_uid: 5, io_gid: 6, no_pivot_root: true },
  });
  for (const typeUrl of ['containerd.runc.v1.Options', 'type.googleapis.com/containerd.runc.v1.Options']) {
    assert.deepEqual(decodeRuntimeOptions({ typeUrl, value }), {
      ...{
        binary: 'crun',
        root: '/run/x',
        systemdCgroup: true,
        ioUid: 5,
        ioGid: 6,
        noPivotRoot: true,
        noNewKeyring: false,
      },
    });
  }
  const empty = decodeRuntimeOptions({ typeUrl: 'containerd.runc.v1.Options', value: Buffer.alloc(0) });
  assert.equal('binary' in empty || 'root' in empty, false);
});

test('other options say nothing to runc, or are refused by name', () => {
  assert.deepEqual(
    decodeRuntimeOptions({ typeUrl: 'runtimeoptions.v1.Options', value: Buffer.from([10, 1, 120]) }),
    {},
  );
  assert.deepEqual(decodeRuntimeOptions({ typeUrl: '', value: Buffer.alloc(0) }), {});
  const kata = { typeUrl: 'kata.Options', value: Buffer.alloc(0) };
  assertThrowsWithKind(() => decodeRuntimeOptions(kata), 'invalid-argument', /kata\.Options/);
  const broken = { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from([0xff]) };
  assertThrowsWithKind(() => decodeRuntimeOptions(broken), 'invalid-argument');
});
