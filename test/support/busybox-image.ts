import { readFile } from 'node:fs/promises';
import { type Entry, type Image, makeImage, makeLayer, type ImageOptions, type Packing } from './image.js';
import { output } from './run.js';

const BUSYBOX = '/bin/busybox';

/** A user with a supplementary group, for tests of users by name. */
export const BUSYBOX_USER = {
  name: 'alice',
  uid: 1000,
  gid: 1000,
  extraGroup: { name: 'friends', gid: 2000 },
} as const;

/** The one layer's members: Debian's static busybox with all its names, and the folders and accounts that programs expect. */
export async function busyboxEntries(): Promise<Entry[]> {
  const applets = (await output(BUSYBOX, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
  const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'var'];
  const { name, uid, gid, extraGroup } = BUSYBOX_USER;
  return [
    ...folders.map((path) => ({ path, type: 'directory' }) as const),
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: `home/${name}`, type: 'directory', uid, gid },
    { path: 'bin/busybox', mode: 0o755, data: await readFile(BUSYBOX) },
    ...applets.map((applet) => ({ path: `bin/${applet}`, type: 'symlink', target: 'busybox' }) as const),
    { path: 'etc/passwd', data: `root:x:0:0:root:/root:/bin/sh\n${name}:x:${uid}:${gid}::/home/${name}:/bin/sh\n` },
    { path: 'etc/group', data: `root:x:0:\n${name}:x:${gid}:\n${extraGroup.name}:x:${extraGroup.gid}:${name}\n` },
  ];
}

/** A small image with a shell, whose own command is `sh`. `settings` and the like replace what it has. */
export async function makeBusyboxImage(options: Partial<ImageOptions> & { packing?: Packing } = {}): Promise<Image> {
  const { packing, settings, ...rest } = options;
  const layers = [await makeLayer(await busyboxEntries(), packing)];
  return makeImage({ layers, settings: { Cmd: ['sh'], Env: ['PATH=/bin:/usr/bin'], ...settings }, ...rest });
}
