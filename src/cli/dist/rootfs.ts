import { DaemonError } from '../../base/errors.js';
import { prepareRootfs, removeRootfs, rootfsMounts, unpackManifest, type ClientMount } from '../../client/rootfs.js';
import { parseDigest } from '../../spec/digest.js';
import { forEach, only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';

const SNAPSHOTTER = text('--snapshotter <name>', 'such as overlayfs or native');

export const unpack = defineCommand({
  usage: 'rootfs unpack <digest>',
  summary: 'Turn the layers of a stored manifest into snapshots; prints the chain ID',
  options: { snapshotter: SNAPSHOTTER },
  async run({ args, options, session, out, signal }) {
    const digest = parseDigest(only(args));
    out.line(await unpackManifest(session(), digest, { snapshotter: options.snapshotter, signal }));
    return 0;
  },
});

export const prepare = defineCommand({
  usage: 'rootfs prepare <chain-id> <target>',
  summary: 'Make a writable snapshot named like the target; prints the mount command for it',
  options: { snapshotter: SNAPSHOTTER, readonly: flag('--readonly', 'a read-only view instead') },
  async run({ args, options, session, out, signal }) {
    const [chainId = '', target = ''] = args;
    const request = { key: target, chainId, readonly: options.readonly, snapshotter: options.snapshotter ?? '' };
    for (const mount of await prepareRootfs(session(), request, signal)) out.line(mountCommand(mount, target));
    return 0;
  },
});

export const mounts = defineCommand({
  usage: 'rootfs mounts <target>',
  summary: 'Print the mount command of a snapshot that "rootfs prepare" made',
  options: { snapshotter: SNAPSHOTTER },
  async run({ args, options, session, out, signal }) {
    const target = only(args);
    const found = await rootfsMounts(session(), target, options.snapshotter ?? '', signal);
    for (const mount of found) out.line(mountCommand(mount, target));
    return 0;
  },
});

export const removal = defineCommand({
  usage: 'rootfs rm <target...>',
  summary: 'Remove what "rootfs prepare" made, or let go what "rootfs unpack" keeps (by its chain ID)',
  options: { snapshotter: SNAPSHOTTER, sync: flag('--sync', 'come back when the space is free') },
  run: ({ args, options, session, out, signal }) =>
    forEach(args, out, async (key) => {
      const request = { key, snapshotter: options.snapshotter ?? '', sync: options.sync };
      const kept = await removeRootfs(session(), request, signal);
      if (kept) out.note(`${key} stays, as others need it: "dist why ${key}" tells who`);
      else out.line(key);
    }),
});

/** A line for mount(8) that a shell reads back as these words. */
export function mountCommand({ type, source, options }: ClientMount, target: string): string {
  const words = ['mount', '-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target];
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (word.includes('\0')) throw new DaemonError('invalid-argument', 'a mount with a NUL byte in it');
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
