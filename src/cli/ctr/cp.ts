import { basename, dirname, join, resolve } from 'node:path';
import { DaemonError, isKind } from '../../base/errors.js';
import { copyFrom, copyInto } from '../../client/copy.js';
import { bytesOf } from '../shared/arguments.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { flag, type OptionValues } from '../shared/options.js';
import { kindOfPath, packFiles } from '../shared/pack-files.js';
import { unpackFiles } from '../shared/unpack-files.js';

const OPTIONS = {
  archive: flag('-a, --archive', 'keep owners, and set-user-ID and set-group-ID bits'),
  followLink: flag('-L, --follow-link', 'what the source leads to, if it is a symbolic link'),
};
type Context = CommandContext<OptionValues<typeof OPTIONS>>;

/** A place in a container. */
interface Inside {
  readonly id: string;
  readonly path: string;
}

export const cp = defineCommand({
  usage: 'cp <source> <destination>',
  summary: 'Copy files into a container or out of it; one of the two is CONTAINER:PATH',
  details: `Into a directory that is there a copy goes under its own name; otherwise it gets the name of the destination. Of SOURCE/. only what
is in it is copied. - is a tar: from the standard input into a directory of the container, or to the standard output.`,
  options: OPTIONS,
  async run(context) {
    const [source = '', destination = ''] = context.args;
    const [from, to] = [insideOf(source), insideOf(destination)];
    if (from && to) throw new DaemonError('invalid-argument', 'both are in containers: copy by way of a local file');
    if (from) await outOf(context, from, destination);
    else if (to) await into(context, source, to);
    else throw new DaemonError('invalid-argument', 'neither is in a container: give one as CONTAINER:PATH');
    return 0;
  },
});

/** As users of `docker cp` know it: what begins with a dot or a slash is local, colons or not. */
function insideOf(text: string): Inside | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || text.startsWith('.') || text.startsWith('/')) return undefined;
  return { id: text.slice(0, colon), path: text.slice(colon + 1) || '/' };
}

async function into(context: Context, source: string, { id, path }: Inside): Promise<void> {
  const { options, io, session, signal } = context;
  if (source === '-') {
    await copyInto(session(), { id, path, archive: true }, bytesOf(io.stdin), signal);
    return;
  }
  const place = resolve(io.cwd, source);
  const contents = /(?:^|\/)\.$/.test(source);
  const followLink = options.followLink || source.endsWith('/') || contents;
  const directory = await isDirectory(place, followLink);
  if (source.endsWith('/') && !directory) throw new DaemonError('failed-precondition', `${source} is no directory`);
  const start = { id, path, name: basename(place), directory, contents, keep_owner: options.archive };
  await copyInto(session(), start, packFiles(place, { followLink, leftOut: teller(context) }), signal);
}

async function isDirectory(place: string, followLink: boolean): Promise<boolean> {
  return (await kindOfPath(place, followLink)) === 'directory';
}

async function outOf(context: Context, { id, path }: Inside, destination: string): Promise<void> {
  const { options, io, out, session, signal } = context;
  if (destination === '-' && io.terminal)
    throw new DaemonError('invalid-argument', 'a tar is not for a terminal: redirect the standard output');
  const { name, directory, tar } = await copyFrom(session(), { id, path, followLink: options.followLink }, signal);
  if (destination === '-') {
    for await (const bytes of tar) await out.bytes(bytes);
    return;
  }
  const place = await placeOf(io.cwd, destination, name, directory);
  await unpackFiles(tar, place, { keepOwner: options.archive, leftOut: teller(context), signal });
}

async function placeOf(cwd: string, destination: string, name: string, directory: boolean): Promise<string> {
  const path = resolve(cwd, destination);
  const kind = await kindOfPath(path, true).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
  if (kind === 'directory') return name === '.' ? path : join(path, name);
  if (kind === 'other' && directory) throw new DaemonError('failed-precondition', `${destination} is no directory`);
  if (kind === undefined) {
    if (destination.endsWith('/') && !directory)
      throw new DaemonError('not-found', `directory ${destination} does not exist: make it first`);
    if ((await kindOfPath(dirname(path), true)) !== 'directory')
      throw new DaemonError('failed-precondition', `${dirname(path)} is no directory`);
  }
  return path;
}

function teller({ out }: Context): (path: string, why: string) => void {
  return (path, why) => {
    out.note(`${path} ${why}: not copied`);
  };
}
