import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { DaemonError, isKind } from '../../base/errors.js';
import { killProcess, runContainer, runOwnedContainer, type RunRequest } from '../../client/execution.js';
import { pullImage } from '../../client/pull.js';
import { SPEC_TYPE_URL } from '../../spec/runtime-spec.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { flag, list, parseCount, text, type OptionValues } from '../shared/options.js';
import { registryAccessOf } from '../shared/credentials.js';
import { showProgress } from '../shared/progress.js';
import { parseBytes } from '../shared/units.js';
import { storedName } from '../shared/reference.js';
import { DETACH_KEYS, parseDetachKeys } from './detach-keys.js';
import { withExitCodes } from './exit-codes.js';
import { parseMount, parseVolume } from './mount-option.js';
import { PROCESS_OPTIONS, processOf } from './process-options.js';
import { envFilesOf, readText, SPEC_OPTIONS, specOptionsOf, tmpfsOf } from './spec-options.js';
import { RESTART_HELP, restartLabels, restartPolicy } from './restart-option.js';
import { HEALTH_OPTIONS, healthOf } from './health-options.js';
import { NETWORK_OPTIONS, networkOf } from './network-options.js';
import { connectStdio } from './stdio.js';

const OPTIONS = {
  ...PROCESS_OPTIONS,
  ...SPEC_OPTIONS,
  ...NETWORK_OPTIONS,
  ...HEALTH_OPTIONS,
  id: text('--id <id>', 'id of the container'),
  entrypoint: text('--entrypoint <program>', 'instead of the image\'s and its own command; "" for none'),
  interactive: flag('-i, --interactive', 'with -d: stdin stays open for those who attach'),
  restart: text('--restart <policy>', RESTART_HELP, restartPolicy),
  remove: flag('--rm', 'delete it when the process has ended'),
  ephemeral: flag('--ephemeral', 'it dies with this command, however that ends'),
  keep: flag('--keep', 'keep the stopped container'),
  mount: list('--mount <mount>', 'type=bind,src=<host path>,dst=<path>,options=rbind:ro'),
  volume: list('-v, --volume <source:target[:ro]>', 'a directory of the host, or a volume by its name'),
  netHost: flag('--net-host', "the host's network"),
  readOnly: flag('--read-only, --readonly', 'root file system read-only'),
  runtime: text('--runtime <name>', 'runc or crun, or the path of one; or a runtime as containerd names it'),
  snapshotter: text('--snapshotter <name>', 'such as overlayfs or native'),
  logMaxSize: text('--log-max-size <size>', 'of one file of its log, such as 100MiB (10MiB otherwise)', parseBytes),
  logMaxFiles: text('--log-max-files <number>', 'that its log has at most (5 otherwise)', parseCount),
  stopSignal: text('--stop-signal <signal>', 'that "ctr stop" sends'),
  stopTimeout: text('--stop-timeout <seconds>', 'that "ctr stop" gives it (10 otherwise)', parseCount),
  hostname: text('--hostname <name>', 'instead of the id'),
  label: list('--label <name=value>', 'label of the container'),
  rootfs: text('--rootfs <dir>', 'a directory of the host as root file system; then there is no reference'),
  spec: text('--spec <file>', 'a whole OCI runtime spec instead of what image and options give'),
  printSpec: flag('--print-spec', 'print the spec that the container would have, and run nothing'),
  pull: flag('--pull', 'pull the image if it is not here'),
  plainHttp: flag('--plain-http', 'with --pull: http for any registry'),
};
type Options = OptionValues<typeof OPTIONS>;
type Context = CommandContext<Options>;

export const run = defineCommand({
  usage: 'run [reference] [id] [command...]',
  summary: 'Run a command in a new container made of an image',
  details: `With --id everything after the reference is the command; without it the next word is the id and the rest the command;
with the reference alone an id is made up and the image's own command runs. In the foreground everything is deleted when
the process ends (--keep keeps it, and so does --restart); with -d the stopped container stays until "ctr delete", unless --rm.
Exit code: that of the process; 125 for an error of ours, 126 if it can't be executed, 127 if it is not found.`,
  options: OPTIONS,
  passThrough: true,
  ownsSignals: true,
  failureCode: 125,
  run: (context) => withExitCodes(context.out, () => runInContainer(context)),
});

export const create = defineCommand({
  usage: 'create <reference> [id] [command...]',
  summary: 'Make a container as "ctr run" would, for "ctr start"; prints its id',
  options: OPTIONS,
  passThrough: true,
  failureCode: 125,
  async run(context) {
    const { image, id, command } = await parseLine(context);
    const request = await requestOf(context, image, id, command);
    const { interactive: stdin, remove } = context.options;
    if (context.options.ephemeral)
      throw new DaemonError('invalid-argument', '--ephemeral is for "ctr run": what is only made has no owner');
    await start(context, { ...request, create_only: true, attach: false, stdin, remove_on_exit: remove }, image);
    context.out.line(id);
    return 0;
  },
});

async function runInContainer(context: Context): Promise<number> {
  const { options, io, out, session, signal } = context;
  checkOptions(context);
  const { image, id, command } = await parseLine(context);
  const request = await requestOf(context, image, id, command);
  if (options.printSpec) {
    const { spec } = await runContainer(session(), { ...request, only_spec: true }, signal);
    await out.bytes(Buffer.from(`${Buffer.from(spec).toString()}\n`));
    return 0;
  }
  await start(context, request, image);
  if (options.detach) {
    if (options.id === undefined && context.args.length < 2) out.line(id);
    return 0;
  }
  return connectStdio(session(), io, {
    containerId: id,
    tty: options.tty,
    detachKeys: options.detachKeys ?? parseDetachKeys(DETACH_KEYS),
    kill: (signalNumber) => killProcess(session(), { id, signalNumber }),
    signal,
  });
}

/** Whether the daemon may start it again, so that it does not go at the end of its process. */
function isRestarted({ restart }: Options): boolean {
  return restart !== undefined && restart !== 'no';
}

/** @throws invalid-argument: options that contradict one another, or the place where the command runs. */
function checkOptions({ options, io }: Context): void {
  if (options.tty && !options.detach && !io.terminal) {
    throw new DaemonError('invalid-argument', '-t needs a terminal: stdin and stdout are none here; leave -t out');
  }
  if (options.ephemeral && (options.detach || options.keep || isRestarted(options))) {
    throw new DaemonError(
      'invalid-argument',
      '--ephemeral goes with none of -d, --keep and --restart: it ends with this command',
    );
  }
}

async function start(context: Context, request: RunRequest, image: string): Promise<void> {
  const { options, session, signal, io } = context;
  // An owned one dies when the session is closed at the end of the command.
  const make = options.ephemeral ? runOwnedContainer : runContainer;
  try {
    tell(context, await make(session(), request, signal));
  } catch (error) {
    if (!options.pull || !isKind(error, 'not-found')) throw error;
    using progress = showProgress({ ...io, stdout: io.stderr });
    await pullImage(session(), image, {
      ...registryAccessOf({ ...options, hostsDir: undefined, user: undefined }, io),
      onProgress: progress.update,
      signal,
    });
    tell(context, await make(session(), request, signal));
  }
}

function tell({ out }: Context, { warnings }: { readonly warnings: readonly string[] }): void {
  for (const warning of warnings) out.note(warning);
}

async function parseLine(context: Context) {
  const { args, options } = context;
  const [image, rest] =
    options.rootfs === undefined ? [await storedName(args[0] ?? '', context), args.slice(1)] : ['', args];
  const [given, command] = options.id === undefined ? [rest[0], rest.slice(1)] : [options.id, rest];
  if (given === '') {
    throw new DaemonError('invalid-argument', 'container id "" is empty: leave it out to have one made up');
  }
  return { image, id: given ?? `c-${randomBytes(6).toString('hex')}`, command };
}

async function requestOf(context: Context, image: string, id: string, command: readonly string[]): Promise<RunRequest> {
  const { options, io } = context;
  const env = [...(await envFilesOf(options.envFile, io)), ...options.env];
  return {
    id,
    image,
    snapshotter: options.snapshotter ?? '',
    ...runtimeOf(context),
    process: processFor({ ...options, env }, command, io),
    labels: { ...labelsOf(options.label), ...restartLabels(options.restart) },
    remove_on_exit: options.detach || isRestarted(options) ? options.remove : !options.keep,
    attach: !options.detach,
    stdin: !options.detach || options.interactive,
    host_network: options.netHost,
    readonly_rootfs: options.readOnly,
    mounts: [...options.mount.map(parseMount), ...options.volume.map(parseVolume), ...tmpfsOf(options.tmpfs)],
    options: await specOptionsOf(options, io),
    ...networkOf(options),
    ...healthOf(options),
    rootfs: options.rootfs === undefined ? '' : resolve(io.cwd, options.rootfs),
    ...(options.spec !== undefined && { spec: await readSpec(options.spec, io) }),
    stop_signal: options.stopSignal ?? '',
    ...(options.stopTimeout !== undefined && { stop_timeout: options.stopTimeout }),
    log_max_size: options.logMaxSize ?? 0,
    log_max_files: options.logMaxFiles ?? 0,
  };
}

function processFor(options: Options, command: readonly string[], io: Context['io']) {
  const { entrypoint, hostname = '' } = options;
  const args = entrypoint ? [entrypoint, ...command] : command;
  return { ...processOf(options, args, io), replace_entrypoint: entrypoint !== undefined, hostname };
}

/** containerd's name of a runtime, or the program that our own runs. */
function runtimeOf({ options, session }: Context) {
  const { runtime = '' } = options;
  if (runtime === '' || runtime.includes('.v') || /(?:^|\/)containerd-shim-/.test(runtime)) return { runtime };
  return {
    runtime: '',
    runtime_options: session().messages.pack('containerd.runc.v1.Options', { binary_name: runtime }),
  };
}

async function readSpec(file: string, io: Context['io']) {
  return { type_url: SPEC_TYPE_URL, value: Buffer.from(await readText(io, file, '--spec')) };
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
