import { randomBytes } from 'node:crypto';
import { type Entry, tarOf } from './image.js';

/** cap_net_raw, permitted and effective, as security.capability holds it (revision 2). */
const NET_RAW = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

/** Members to which no layer gives a time: parents that it leaves out, and the top, which umoci writes to afterwards. */
export function hasNoTime(path: string): boolean {
  return path === '.' || /^(invented|long-[^/]*)(\/(parents|long-[^/]*))?$/.test(path);
}

const LONG = 'long-'.repeat(30);

const dir = (path: string, more: Partial<Entry> = {}): Entry => ({ path, type: 'directory', ...more });

const FIRST: readonly Entry[] = [
  dir('./', { mtime: 900_000_000 }),
  dir('etc'),
  { path: 'etc/passwd', data: 'root:x:0:0::/:/bin/sh\n', mtime: 1_100_000_000 },
  { path: 'etc/shadow', data: 'root:*:\n', mode: 0o640, gid: 42 },
  { path: 'etc/gone', data: 'soon\n' },
  dir('usr', { mtime: 950_000_000 }),
  dir('usr/lib', { mode: 0o751, mtime: 960_000_000 }),
  { path: 'lib', type: 'symlink', target: 'usr/lib' },
  { path: 'abs', type: 'symlink', target: '/usr/lib', uid: 7, gid: 8 },
  { path: 'dangling', type: 'symlink', target: '../../../nowhere' },
  { path: 'usr/lib/libx.so.1', data: randomBytes(70_000), mode: 0o755 },
  { path: 'usr/lib/libx.so', type: 'link', target: 'usr/lib/libx.so.1' },
  { path: 'usr/lib/lower', data: 'linked to by the second layer\n', uid: 5, mode: 0o600 },
  dir('tmp', { mode: 0o1777 }),
  dir('opaque', { mode: 0o700, uid: 12 }),
  { path: 'opaque/below', data: 'hidden\n' },
  dir('opaque/deep'),
  { path: 'opaque/deep/below', data: 'hidden\n' },
  dir('tree'),
  dir('tree/branch'),
  { path: 'tree/branch/leaf', data: 'leaf\n' },
  { path: 'becomes-folder', data: 'file\n' },
  dir('becomes-file'),
  { path: 'becomes-file/inside', data: 'x' },
  { path: 'ping', data: 'ping\n', mode: 0o4755, xattrs: { 'security.capability': NET_RAW } },
  { path: 'attributes', data: 'x', xattrs: { 'user.colour': 'blue', 'user.größe': 'ü' } },
  { path: 'setuid', data: '#!/bin/sh\n', mode: 0o6755, uid: 1000, gid: 1000 },
  { path: 'pipe', type: 'fifo', mode: 0o620, uid: 3 },
  { path: 'null', type: 'character-device', mode: 0o666, device: { major: 1, minor: 3 } },
  { path: 'disk', type: 'block-device', mode: 0o660, gid: 6, device: { major: 259, minor: 70_000 } },
  { path: `${LONG}/${LONG}/naïve ☃`, data: 'long\n' },
  { path: 'big-owner', uid: 3_000_000, gid: 4_000_000 },
  { path: 'precise', data: 'time\n', pax: { mtime: '1234567890.123456789' } },
  { path: 'empty' },
  { path: 'unreadable', data: 'secret\n', mode: 0o040 },
  { path: 'large', data: randomBytes(3 << 20) },
];

const SECOND: readonly Entry[] = [
  { path: 'etc/.wh.gone' },
  { path: 'opaque/new', data: 'only this\n' },
  { path: 'opaque/.wh..wh..opq' },
  { path: 'tree/.wh.branch' },
  dir('becomes-folder', { mode: 0o711 }),
  { path: 'becomes-folder/inside', data: 'y' },
  { path: 'becomes-file', data: 'now a file\n' },
  // Beneath a symlink of the layer below, and in a folder that has no entry here.
  { path: 'lib/added', data: 'by the second layer\n', mtime: 1_200_000_000 },
  { path: 'usr/linked', type: 'link', target: 'usr/lib/lower' },
  { path: 'tmp/file', data: 'in a sticky folder\n' },
  { path: 'invented/parents/file', data: 'z' },
];

const THIRD: readonly Entry[] = [
  { path: 'etc/gone', data: 'back again\n', mode: 0o600 },
  dir('tree/branch', { mode: 0o750 }),
  { path: 'tree/branch/other', data: 'not the old leaf\n' },
  { path: 'usr/lib/.wh.libx.so' },
  { path: 'empty', data: 'no more\n' },
  dir('usr', { mode: 0o711, mtime: 970_000_000 }),
];

/** Tars, lowest first, that hold all that a layer may hold and that unpackers have got wrong. */
export async function nastyTars(): Promise<Buffer[]> {
  return Promise.all([FIRST, SECOND, THIRD].map((entries) => tarOf(entries)));
}
