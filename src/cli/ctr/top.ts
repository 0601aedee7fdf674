import { readFile } from 'node:fs/promises';
import { isErrno } from '../../base/errors.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { targetOf } from './target.js';

/** The kernel tells times in hundredths of a second, whatever its own clock (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;

/** A process as /proc shows it. */
interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  /** Its real user, as this machine counts them. */
  readonly uid: number;
  /** One letter: R, S, D, Z, T … */
  readonly state: string;
  readonly cpuSeconds: number;
  readonly command: string;
}

export const top = defineCommand({
  usage: 'top [container]',
  summary: "Show a container's processes, as this machine sees them",
  options: { id: text('--id <id>', 'the container'), json: flag('--json', 'a JSON object for each, a line each') },
  async run({ args, options, session, out, signal }) {
    const { id } = targetOf(options.id, args);
    const tasks = session().service('containerd.services.tasks.v1.Tasks');
    const { processes } = await tasks.listPids({ container_id: id }, { signal });
    const found = await Promise.all(processes.map(({ pid }) => readProcess(pid)));
    const rows = found.filter((row) => row !== undefined).sort((a, b) => a.pid - b.pid);
    if (options.json) for (const row of rows) out.line(JSON.stringify(row));
    else out.table([['UID', 'PID', 'PPID', 'STATE', 'TIME', 'COMMAND'], ...rows.map(cells)]);
    return 0;
  },
});

/** @returns Undefined when it has ended in the meantime. */
async function readProcess(pid: number): Promise<ProcessRow | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8');
  try {
    const [stat, status, commandLine] = await Promise.all([read('stat'), read('status'), read('cmdline')]);
    return { pid, uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]), ...parseStat(stat, commandLine) };
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/** From /proc/<pid>/stat and cmdline (proc(5)). */
function parseStat(stat: string, commandLine: string): Omit<ProcessRow, 'pid' | 'uid'> {
  // The name, which the process chooses, stands in parentheses and may hold some itself.
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
  const fields = rest.trim().split(' ');
  const words = commandLine.replace(/\0+$/, '').replaceAll('\0', ' ');
  return {
    ppid: Number(fields[1]),
    state: fields[0] ?? '',
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    command: words === '' ? `[${name}]` : words,
  };
}

function cells({ uid, pid, ppid, state, cpuSeconds, command }: ProcessRow): readonly string[] {
  const minutes = Math.floor(cpuSeconds / 60);
  const time = `${minutes}:${(cpuSeconds % 60).toFixed(2).padStart(5, '0')}`;
  return [String(uid), String(pid), String(ppid), state, time, command];
}
