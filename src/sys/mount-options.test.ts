import assert from 'node:assert/strict';
import test from 'node:test';
import { parseMountInfo } from './mount-info.js';
import { parseMountOptions } from './mount-options.js';
import { parseOverlayOptions } from './overlay-options.js';

test('the last of contradicting options counts', () => {
  const { flags, set, clear, data } = parseMountOptions('tmpfs', [
    'ro',
    'nosuid',
    'rw',
    'size=1m',
    'noatime',
    'relatime',
  ]);
  assert.deepEqual({ flags: flags & 3, set, clear, data }, { flags: 2, set: 2, clear: 0x71, data: ['size=1m'] });
});

test('propagation and flags for the mounts below are kept apart from those of the mount', () => {
  const { bind, setBelow, propagation, propagateBelow } = parseMountOptions('none', ['rbind', 'rslave', 'rro']);
  assert.deepEqual(
    { bind, setBelow, propagation, propagateBelow },
    { bind: 'all', setBelow: 1, propagation: 1 << 19, propagateBelow: true },
  );
  assert.equal(parseMountOptions('none', ['bind', 'private']).propagateBelow, false);
});

test('long overlays get short names from the folder that all layers lie in', () => {
  const parsed = parseOverlayOptions(['lowerdir=/r/s/10/fs:/r/s/1\\:1/fs', 'upperdir=/r/s/2/fs', 'userxattr']);
  assert.deepEqual(parsed, {
    lower: ['/r/s/10/fs', '/r/s/1\\:1/fs'],
    others: ['upperdir', '/r/s/2/fs', 'userxattr', null],
    directory: '/r/s',
    data: 'lowerdir=10/fs:1\\:1/fs,upperdir=/r/s/2/fs,userxattr',
  });
});

test('mountinfo lines, with and without optional fields, with escapes and UTF-8', () => {
  const text = [
    '36 35 98:0 /mnt1 /mnt\\0402\u{e4} rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue',
    '37 36 0:5 / / rw - tmpfs none rw',
    '',
  ].join('\n');
  const [first, second] = parseMountInfo(Buffer.from(text));
  assert.deepEqual(first, {
    id: 36,
    parentId: 35,
    device: '98:0',
    root: '/mnt1',
    mountPoint: '/mnt 2\u{e4}',
    options: ['rw', 'noatime'],
    propagation: ['master:1', 'shared:2'],
    type: 'ext3',
    source: '/dev/root',
    superOptions: ['rw', 'errors=continue'],
  });
  assert.deepEqual([second?.propagation, second?.type], [[], 'tmpfs']);
});
