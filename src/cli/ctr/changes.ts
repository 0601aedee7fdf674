import { commitContainer, containerChanges, forkContainer } from '../../client/changes.js';
import { renameContainer } from '../../client/execution.js';
import { DaemonError } from '../../base/errors.js';
import { only } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { listChanges } from '../shared/list-changes.js';
import { text } from '../shared/options.js';
import { fullName } from '../shared/reference.js';

export const diff = defineCommand({
  usage: 'diff <container>',
  summary: 'List the paths that a container has added (A), changed (C) or deleted (D) in its image',
  options: {},
  async run({ args, session, out, signal }) {
    await listChanges(containerChanges(session(), only(args), signal), out);
    return 0;
  },
});

export const commit = defineCommand({
  usage: 'commit <container> <reference>',
  summary: "Make an image of a container: its image's layers and one of what it has changed",
  options: {
    author: text('--author <name>', 'who made it'),
    message: text('-m, --message <text>', "what the image's history says of it"),
    pause: text('--pause <true|false>', 'pause a running container for the time (default true)', parseFlag),
  },
  async run({ args, options, session, out, signal }) {
    const [id = '', reference = ''] = args;
    const image = fullName(reference, out);
    const { author, message: comment, pause = true } = options;
    out.line(await commitContainer(session(), { id, image, author, comment, pause }, signal));
    return 0;
  },
});

export const fork = defineCommand({
  usage: 'fork <container> <id>',
  summary: 'Make a container like one that does not run, its file system included, without copying it',
  options: {},
  async run({ args, session, out, signal }) {
    const [id = '', newId = ''] = args;
    await forkContainer(session(), id, newId, signal);
    out.line(newId);
    return 0;
  },
});

export const rename = defineCommand({
  usage: 'rename <container> <id>',
  summary: 'Give a container that does not run another id',
  options: {},
  async run({ args, session, out, signal }) {
    const [id = '', newId = ''] = args;
    await renameContainer(session(), { id, newId }, signal);
    out.line(newId);
    return 0;
  },
});

function parseFlag(typed: string): boolean {
  if (typed === 'true' || typed === 'false') return typed === 'true';
  throw new DaemonError('invalid-argument', `${JSON.stringify(typed)} is neither true nor false`);
}
