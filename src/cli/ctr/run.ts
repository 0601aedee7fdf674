import { randomBytes } from 'node:crypto';
import { DaemonError, isKind } from '../../base/errors.js';
import { killProcess, runContainer, type RunRequest } from '../../client/execution.js';
import { pullImage } from '../../client/pull.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { flag, list, text, type OptionValues } from '../shared/options.js';
import { registryAccessOf } from '../shared/credentials.js';
import { showProgress } from '../shared/progress.js';
import { fullName } from '../shared/reference.js';
import type { Out } from '../shared/out.js';
import { withExitCodes } from './exit-codes.js';
import { parseMount } from './mount-option.js';
import { PROCESS_OPTIONS, processOf } from './process-options.js';
import { connectStdio } from './stdio.js';

const OPTIONS = {
  ...PROCESS_OPTIONS,
  id: text('--id <id>', 'id of the container'),
  remove: flag('--rm', 'delete it when the process has ended'),
  keep: flag('--keep', 'keep the stopped container'),
  mount: list('--mount <mount>', 'type=bind,src=<host path>,dst=<path>,options=rbind:ro'),
  netHost: flag('--net-host', "the host's network"),
  readOnly: flag('--read-only, --readonly', 'root file system read-only'),
  runtime: text('--runtime <name>', 'such as io.containerd.runc.v2'),
  snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
  hostname: text('--hostname <name>', 'instead of the id'),
  label: list('--label <name=value>', 'label of the container'),
  pull: flag('--pull', 'pull the image if it is not here'),
  plainHttp: flag('--plain-http', 'with --pull: http for any registry'),
};
type Options = OptionValues<typeof OPTIONS>;
type Context = CommandContext<Options>;

export const run = defineCommand({
  usage: 'run <reference> [id] [command...]',
  summary: 'Run a command in a new container made of an image',
  details: `With --id everything after the reference is the command; without it the next word is the id and the rest the command;
with the reference alone an id is made up and the image's own command runs. In the foreground everything is deleted when
the process ends (--keep keeps it); with -d the stopped container stays until "ctr delete", unless --rm.
Exit code: that of the process; 125 for an error of ours, 126 if it can't be executed, 127 if it is not found.`,
  options: OPTIONS,
  passThrough: true,
  ownsSignals: true,
  failureCode: 125,
  run: (context) => withExitCodes(context.out, () => runInContainer(context)),
});

async function runInContainer(context: Context): Promise<number> {
  const { options, io, out, session, signal } = context;
  if (options.tty && !options.detach && !io.terminal) {
    throw new DaemonError('invalid-argument', '-t needs a terminal: stdin and stdout are none here; leave -t out');
  }
  const { image, id, command } = parseLine(context.args, options.id, out);
  const request = requestOf(context, image, id, command);
  await start(context, request, image);
  if (options.detach) {
    if (options.id === undefined && context.args.length < 2) out.line(id);
    return 0;
  }
  return connectStdio(session(), io, {
    containerId: id,
    tty: options.tty,
    kill: (signalNumber) => killProcess(session(), { id, signalNumber }),
    signal,
  });
}

async function start(context: Context, request: RunRequest, image: string): Promise<void> {
  const { options, session, signal, io } = context;
  try {
    await runContainer(session(), request, signal);
  } catch (error) {
    if (!options.pull || !isKind(error, 'not-found')) throw error;
    using progress = showProgress({ ...io, stdout: io.stderr });
    await pullImage(session(), image, {
      ...registryAccessOf({ ...options, hostsDir: undefined, user: undefined }, io),
      onProgress: progress.update,
      signal,
    });
    await runContainer(session(), request, signal);
  }
}

function parseLine(args: readonly string[], idOption: string | undefined, out: Out) {
  const [reference = '', ...rest] = args;
  const image = fullName(reference, out);
  const [given, command] = idOption === undefined ? [rest[0], rest.slice(1)] : [idOption, rest];
  if (given === '') {
    throw new DaemonError('invalid-argument', 'container id "" is empty: leave it out to have one made up');
  }
  return { image, id: given ?? `c-${randomBytes(6).toString('hex')}`, command };
}

function requestOf({ options, io }: Context, image: string, id: string, command: readonly string[]): RunRequest {
  return {
    id,
    image,
    snapshotter: options.snapshotter ?? '',
    runtime: options.runtime ?? '',
    process: { ...processOf(options, command, io), hostname: options.hostname ?? '' },
    labels: labelsOf(options.label),
    remove_on_exit: options.detach ? options.remove : !options.keep,
    attach: !options.detach,
    stdin: !options.detach,
    host_network: options.netHost,
    readonly_rootfs: options.readOnly,
    mounts: options.mount.map(parseMount),
  };
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
