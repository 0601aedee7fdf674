import { resolve } from 'node:path';
import { mountImage, unmountImage } from '../../client/rootfs.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { storedName } from '../shared/reference.js';

export const mount = defineCommand({
  usage: 'mount <reference> <directory>',
  summary: 'Mount an image\'s file system at a directory, until "dist unmount"',
  options: {
    rw: flag('--rw', 'writable; what is written goes with the mount'),
    snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
  },
  async run({ args, options, session, out, signal }) {
    const [reference = '', typed = ''] = args;
    const directory = resolve(typed);
    const image = await storedName(reference, { session, out, signal });
    const request = { image, directory, writable: options.rw };
    await mountImage(session(), { ...request, snapshotter: options.snapshotter ?? '' }, signal);
    out.line(directory);
    return 0;
  },
});

export const unmount = defineCommand({
  usage: 'unmount <directory...>',
  summary: 'Unmount what "dist mount" has mounted, and remove what was written there',
  options: {},
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (typed) => {
      const directory = resolve(typed);
      await unmountImage(session(), directory, signal);
      out.line(directory);
    }),
});
