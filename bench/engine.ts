import { readFile } from 'node:fs/promises';
import type { CpuGroup } from './cpu-group.js';

/** A program by its path in the container, and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** A container engine under measurement, driven by its own command-line client. */
export interface Engine extends AsyncDisposable {
  readonly name: string;
  readonly group: CpuGroup;
  readonly daemonPid: number;
  /** Path of its socket. */
  readonly address: string;
  /** Kills the daemon with SIGKILL and starts it anew. @returns Seconds from its start until it answers. */
  restart(): Promise<number>;
  /** Runs containerd's own ctr on this engine's socket, so that both are driven by the same client. */
  containerdCtr(...args: readonly string[]): Promise<void>;
  /** Pulls and unpacks. */
  pull(reference: string): Promise<void>;
  /** Downloads without unpacking; as `pull` where there is no such thing. */
  fetch(reference: string): Promise<void>;
  /** Removes the image and all that only it kept; returns when the space is free. */
  remove(reference: string): Promise<void>;
  listImages(): Promise<void>;
  /** `run --rm`: comes back when the program has ended. */
  run(reference: string, id: string, command: Command): Promise<void>;
  runDetached(reference: string, id: string, command: Command): Promise<void>;
  exec(id: string, command: readonly string[]): Promise<void>;
  /** Kills and deletes a detached container. */
  destroy(id: string): Promise<void>;
}

/** The most that a daemon has had in memory since its start, in bytes (proc(5), status). */
export async function peakBytes({ daemonPid }: Pick<Engine, 'daemonPid'>): Promise<number> {
  const text = await readFile(`/proc/${daemonPid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Proportional set size of a process in bytes (proc(5), smaps_rollup): shared pages count by their share. */
export async function pssBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
