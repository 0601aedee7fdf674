import { DaemonError } from '../../base/errors.js';
import { listContainers, removeContainer, startContainer, stopContainer } from '../../client/execution.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand, type Command } from '../shared/command.js';
import { flag, parseCount, text } from '../shared/options.js';

const TASKS = 'containerd.services.tasks.v1.Tasks';

const STOP_OPTIONS = {
  time: text('-t, --time <seconds>', 'before it is killed (10 otherwise, or as it was made)', parseCount),
  signal: text('-s, --signal <signal>', "instead of its own stop signal, the image's, or TERM"),
};

export const start = defineCommand({
  usage: 'start [container...]',
  summary: 'Start containers that have stopped or were only made',
  async run({ args, session, out, signal }) {
    return forEach(named(args), out, async (id) => {
      await startContainer(session(), id, signal);
      out.line(id);
    });
  },
});

export const stop = defineCommand({
  usage: 'stop [container...]',
  summary: 'Ask containers to end, and kill those that do not',
  options: STOP_OPTIONS,
  async run({ args, options, session, out, signal }) {
    return forEach(named(args), out, async (id) => {
      await stopContainer(session(), { id, timeoutSeconds: options.time, stopSignal: options.signal }, signal);
      out.line(id);
    });
  },
});

export const restart = defineCommand({
  usage: 'restart [container...]',
  summary: 'Stop containers and start them again',
  options: STOP_OPTIONS,
  async run({ args, options, session, out, signal }) {
    return forEach(named(args), out, async (id) => {
      await stopContainer(session(), { id, timeoutSeconds: options.time, stopSignal: options.signal }, signal);
      await startContainer(session(), id, signal);
      out.line(id);
    });
  },
});

export const wait = defineCommand({
  usage: 'wait [container...]',
  summary: 'Wait until containers end, and print their exit status',
  async run({ args, session, out, signal }) {
    return forEach(named(args), out, async (id) => {
      const { exit_status: status } = await session()
        .service(TASKS)
        .wait({ container_id: id, exec_id: '' }, { signal });
      out.line(String(status));
    });
  },
});

export const pause = freezing('pause', 'Freeze the processes of containers');
export const resume = freezing('resume', 'Let frozen containers go on');

export const prune = defineCommand({
  usage: 'prune',
  summary: 'Delete all containers whose process has ended',
  options: { dryRun: flag('--dry-run', 'only print which') },
  async run({ options, session, out, signal }) {
    const ended = (await listContainers(session(), signal)).filter(({ status }) => status === 'stopped');
    return forEach(
      ended.map(({ id }) => id),
      out,
      async (id) => {
        if (!options.dryRun) await removeContainer(session(), { id, force: false }, signal);
        out.line(id);
      },
    );
  },
});

function freezing(action: 'pause' | 'resume', summary: string): Command {
  return defineCommand({
    usage: `${action} [container...]`,
    summary,
    async run({ args, session, out, signal }) {
      return forEach(named(args), out, async (id) => {
        await session().service(TASKS)[action]({ container_id: id }, { signal });
        out.line(id);
      });
    },
  });
}

function named(ids: readonly string[]): readonly string[] {
  if (ids.length > 0) return ids;
  throw new DaemonError('invalid-argument', 'which container? Give its id ("ctr list" shows them)');
}
