import { compareTrees } from '../../client/changes.js';
import { defineCommand } from '../shared/command.js';
import { listChanges } from '../shared/list-changes.js';
import { text } from '../shared/options.js';

export const diff = defineCommand({
  usage: 'diff <from> <to>',
  summary: 'List the paths added (A), changed (C) or deleted (D) between two images, containers or snapshots',
  options: { snapshotter: text('--snapshotter <name>', 'of images and snapshots, such as overlayfs or native') },
  async run({ args, options, session, out, signal }) {
    const [left = '', right = ''] = args;
    await listChanges(compareTrees(session(), { left, right, snapshotter: options.snapshotter }, signal), out);
    return 0;
  },
});
