import { DaemonError } from '../../base/errors.js';
import { execProcess, killProcess } from '../../client/execution.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { flag, text, type OptionValues } from '../shared/options.js';
import { DETACH_KEYS, parseDetachKeys } from './detach-keys.js';
import { withExitCodes } from './exit-codes.js';
import { PROCESS_OPTIONS, processOf } from './process-options.js';
import { connectStdio } from './stdio.js';
import { targetOf } from './target.js';

const OPTIONS = {
  ...PROCESS_OPTIONS,
  id: text('--id <id>', 'the container; all words are the command then'),
  interactive: flag('-i, --interactive', 'stdin goes to the command, as it does anyway'),
  execId: text('--exec-id <id>', 'id of the new process; made up otherwise'),
};
type Context = CommandContext<OptionValues<typeof OPTIONS>>;

export const exec = defineCommand({
  usage: 'exec [container] [command...]',
  summary: 'Run a command in a running container',
  details:
    "Exit code: that of the process; 125 for an error of ours, 126 if it can't be executed, 127 if it is not found.",
  options: OPTIONS,
  passThrough: true,
  ownsSignals: true,
  failureCode: 125,
  run: (context) => withExitCodes(context.out, () => execInContainer(context)),
});

async function execInContainer({ args, options, io, out, session, signal }: Context): Promise<number> {
  const { id, rest: command } = targetOf(options.id, args);
  if (command.length === 0) {
    throw new DaemonError('invalid-argument', `what is to run in container ${id}? Give a command after its id`);
  }
  if (options.tty && !options.detach && !io.terminal) {
    throw new DaemonError('invalid-argument', '-t needs a terminal: stdin and stdout are none here; leave -t out');
  }
  const request = {
    id,
    exec_id: options.execId ?? '',
    process: processOf(options, command, io),
    attach: !options.detach,
    stdin: !options.detach,
  };
  const { execId } = await execProcess(session(), request, signal);
  if (options.detach) {
    if (options.execId === undefined) out.line(execId);
    return 0;
  }
  return connectStdio(session(), io, {
    containerId: id,
    execId,
    tty: options.tty,
    detachKeys: options.detachKeys ?? parseDetachKeys(DETACH_KEYS),
    kill: (signalNumber) => killProcess(session(), { id, execId, signalNumber }),
    signal,
  });
}
