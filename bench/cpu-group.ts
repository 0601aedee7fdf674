import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../test/support/eventually.js';
import { ENVIRONMENT } from './environment.js';
import { GroupShell } from './group-shell.js';

const HIERARCHY = '/sys/fs/cgroup/cpuacct';
const JOIN = 'echo $$ > "$0/cgroup.procs" && exec "$@"';

/** A cgroup (v1, cpuacct) that adds up the CPU time of a daemon, its clients and all that they start. */
export interface CpuGroup extends AsyncDisposable {
  /** Starts a program inside. */
  start(program: string, args: readonly string[]): ChildProcess;
  /** Runs a program inside to its end. @returns What it wrote. @throws Error when its exit code is not 0. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Has all there is for `count` programs at a time, so that running them is all that running them takes. */
  prepare(count: number): Promise<void>;
  cpuSeconds(): Promise<number>;
  /** Processes in it now. */
  pids(): Promise<readonly number[]>;
}

let made = 0;

/** Makes the cgroup. Disposing waits until the processes in it have ended. */
export async function openCpuGroup(name: string): Promise<CpuGroup> {
  made += 1;
  const dir = join(HIERARCHY, `wharfd-bench-${process.pid}-${made}-${name}`);
  await mkdir(dir);
  const pids = async () => (await readFile(join(dir, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
  const idle: GroupShell[] = [];
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    const shell = idle.pop() ?? new GroupShell(JOIN, dir);
    try {
      return await shell.run(program, args);
    } finally {
      idle.push(shell);
    }
  };
  return {
    run,
    async prepare(count) {
      const shells = Array.from({ length: Math.max(0, count - idle.length) }, () => new GroupShell(JOIN, dir));
      await Promise.all(shells.map((shell) => shell.run('true', [])));
      idle.push(...shells);
    },
    start: (program, args) =>
      spawn('/bin/sh', ['-c', JOIN, dir, program, ...args], { stdio: 'ignore', env: ENVIRONMENT }),
    cpuSeconds: async () => Number(await readFile(join(dir, 'cpuacct.usage'), 'utf8')) / 1e9,
    pids,
    async [Symbol.asyncDispose]() {
      for (const shell of idle) shell.end();
      await eventually(async () => {
        if ((await pids()).length > 0) throw new Error(`processes are left in ${dir}`);
      });
      await removeTree(dir);
    },
  };
}

async function removeTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(dir, entry.name));
  }
  await rmdir(dir);
}
