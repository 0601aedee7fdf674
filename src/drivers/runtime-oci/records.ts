import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { ExitRecord } from '../../core/execution/runtime.js';

/** What process.json says (native/monitor/PROTOCOL.md). */
export interface ProcessFile {
  readonly pid: number;
  /** Clock ticks since boot; together with `bootId` it tells the process from a later one of the same pid. */
  readonly startTime: bigint;
  readonly bootId: string;
}

/** @returns Undefined when there is none: the process was never made. data-loss: it is not what we write. */
export async function readProcessFile(dir: string): Promise<ProcessFile | undefined> {
  const fields = await readJson(join(dir, 'process.json'));
  if (!fields) return undefined;
  const { pid, startTime, bootId } = fields;
  if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof bootId !== 'string')
    throw damaged(dir, 'process.json');
  return { pid, startTime: BigInt(startTime), bootId };
}

/** The exit record on disk; undefined while the process lives. */
export async function readExitFile(dir: string): Promise<ExitRecord | undefined> {
  const fields = await readJson(join(dir, 'exit.json'));
  if (!fields) return undefined;
  const { status, exitedAtNs, oomKilled, unknown, unknownReason } = fields;
  if (typeof status !== 'number' || typeof exitedAtNs !== 'string') throw damaged(dir, 'exit.json');
  return {
    ...{ status, unknown: unknown === true, exitedAtNs: BigInt(exitedAtNs), oomKilled: oomKilled === true },
    ...(typeof unknownReason === 'string' && { unknownReason }),
  };
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    if (cause instanceof SyntaxError) throw damaged(path, cause.message);
    throw cause;
  }
}

function damaged(dir: string, what: string): DaemonError {
  return new DaemonError(
    'data-loss',
    `${dir}: ${what} is damaged; the process can't be followed any more, delete its container`,
  );
}

/** Writes the exit record of a process that no monitor saw the end of. The folder may be gone with its container: then nobody needs it. */
export async function writeExitFile(dir: string, pid: number, signal: number, record: ExitRecord): Promise<void> {
  const { status, unknown, unknownReason, oomKilled } = record;
  const exitedAtNs = record.exitedAtNs.toString();
  await publish(dir, 'exit.json', { version: 1, pid, status, signal, exitedAtNs, oomKilled, unknown, unknownReason });
}

/** Writes process.json as a monitor would. */
export async function writeProcessFile(dir: string, { pid, startTime, bootId }: ProcessFile): Promise<void> {
  await publish(dir, 'process.json', { version: 1, monitor: 0, pid, startTime: startTime.toString(), bootId });
}

/** The id of this boot of the machine. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Whole or not at all: aside, synced, renamed, the folder synced. */
async function publish(dir: string, name: string, value: object): Promise<void> {
  const aside = join(dir, `.${name}.new`);
  try {
    const file = await open(aside, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(value)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, join(dir, name));
    const folder = await open(dir, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause;
  }
}
