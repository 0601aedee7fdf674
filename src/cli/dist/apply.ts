import { resolve } from 'node:path';
import { applyLayer } from '../../client/rootfs.js';
import { bytesOf, only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';

export const apply = defineCommand({
  usage: 'apply <dir>',
  summary: 'Apply the layer that comes on stdin, plain or packed, to a directory; prints its diff ID',
  async run({ args, io, session, out, signal }) {
    const { diffId } = await applyLayer(session(), resolve(io.cwd, only(args)), bytesOf(io.stdin), signal);
    out.line(diffId);
    return 0;
  },
});
