import { forEach, only } from '../../shared/arguments.js';
import { type Command, defineCommand } from '../../shared/command.js';
import { flag } from '../../shared/options.js';
import { attach } from '../attach.js';
import { exec } from '../exec.js';
import { info } from '../info.js';
import { create } from '../run.js';
import { metrics } from '../stats.js';
import { parseSignal } from '../../../spec/signal-name.js';
import { formatLabels, labelPaths, LIST_OPTIONS, parseLabels, showList } from './listing.js';

const containersLs = defineCommand({
  usage: 'containers list [filter...]',
  aliases: ['ls'],
  summary: 'List the stored containers, running or not',
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const service = session().service('containerd.services.containers.v1.Containers');
    const { containers } = await service.list({ filters: [...args] }, { signal });
    const rows = containers.map(({ id, image, labels, runtime, snapshotter, snapshot_key: snapshotKey }) => {
      const name = runtime?.name ?? '';
      return {
        name: id,
        cells: [id, image || '-', name],
        value: { id, image, labels, runtime: name, snapshotter, snapshotKey },
      };
    });
    return showList(out, options, ['CONTAINER', 'IMAGE', 'RUNTIME'], rows);
  },
});

const containersLabel = defineCommand({
  usage: 'containers label <container> [key=value...]',
  summary: 'Set labels; without a value one is taken away',
  async run({ args, session, out, signal }) {
    const labels = parseLabels(args.slice(1));
    const { container } = await session()
      .service('containerd.services.containers.v1.Containers')
      .update({ container: { id: only(args), labels }, update_mask: { paths: labelPaths(labels) } }, { signal });
    out.line(formatLabels(container?.labels ?? {}));
    return 0;
  },
});

const containersRm = defineCommand({
  usage: 'containers rm <container...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove stored containers that have no task, with their snapshots',
  options: { keepSnapshot: flag('--keep-snapshot', 'leave the snapshots') },
  run: ({ args, options, session, out, signal }) =>
    forEach(args, out, async (id) => {
      const service = session().service('containerd.services.containers.v1.Containers');
      const { container } = await service.get({ id }, { signal });
      await service.delete({ id }, { signal });
      if (options.keepSnapshot || !container || container.snapshot_key === '') return;
      const { snapshotter, snapshot_key: key } = container;
      await session().service('containerd.services.snapshots.v1.Snapshots').remove({ snapshotter, key }, { signal });
    }),
});

const tasksLs = defineCommand({
  usage: 'tasks list',
  aliases: ['ls'],
  summary: 'List the tasks: running instances of containers',
  options: LIST_OPTIONS,
  async run({ options, session, out, signal }) {
    const { tasks } = await session().service('containerd.services.tasks.v1.Tasks').list({}, { signal });
    const rows = tasks.map(({ id, pid, status, exit_status: exitStatus }) => {
      return { name: id, cells: [id, String(pid), status], value: { id, pid, status, exitStatus } };
    });
    return showList(out, options, ['TASK', 'PID', 'STATUS'], rows);
  },
});

const tasksPs = defineCommand({
  usage: 'tasks ps <container>',
  summary: "List a task's processes",
  options: LIST_OPTIONS,
  async run({ args, options, session, out, signal }) {
    const request = { container_id: only(args) };
    const { processes } = await session().service('containerd.services.tasks.v1.Tasks').listPids(request, { signal });
    const rows = processes.map(({ pid }) => ({ name: String(pid), cells: [String(pid)], value: { pid } }));
    return showList(out, options, ['PID'], rows);
  },
});

const tasksKill = defineCommand({
  usage: 'tasks kill <container> [signal]',
  summary: 'Send a signal to a task; TERM unless another is named',
  options: { all: flag('-a, --all', 'to all of its processes') },
  async run({ args, options, session, signal }) {
    const request = { container_id: only(args), signal: parseSignal(args[1] ?? 'TERM'), all: options.all };
    await session().service('containerd.services.tasks.v1.Tasks').kill(request, { signal });
    return 0;
  },
});

const acting = (verb: 'start' | 'pause' | 'resume', summary: string) =>
  defineCommand({
    usage: `tasks ${verb} <container>`,
    summary,
    async run({ args, session, signal }) {
      const service = session().service('containerd.services.tasks.v1.Tasks');
      await service[verb]({ container_id: only(args) }, { signal });
      return 0;
    },
  });

const tasksRm = defineCommand({
  usage: 'tasks rm <container...>',
  aliases: ['remove', 'delete', 'del'],
  summary: 'Remove tasks that have ended; their containers stay',
  run: ({ args, session, out, signal }) =>
    forEach(args, out, async (id) => {
      await session().service('containerd.services.tasks.v1.Tasks').delete({ container_id: id }, { signal });
    }),
});

/** A short form of ours, as containerd's users type it. */
const grouped = (group: 'containers' | 'tasks', command: Command, aliases: readonly string[] = []): Command => ({
  ...command,
  usage: `${group} ${command.usage}`,
  aliases,
});

/** What containerd's users type after `ctr containers` and `ctr tasks`. */
export const EXECUTION = [
  ...[grouped('containers', create), grouped('containers', info), grouped('tasks', exec), grouped('tasks', attach)],
  grouped('tasks', metrics, ['metric']),
  ...[containersLs, containersLabel, containersRm, tasksLs, tasksPs, tasksKill],
  ...[
    acting('start', 'Start a task that was made'),
    acting('pause', 'Freeze a task'),
    acting('resume', 'Let it go on'),
  ],
  tasksRm,
];
