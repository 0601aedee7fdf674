import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../base/durable.js';
import { isErrno } from '../base/errors.js';

/** Which daemon this is. */
export interface ServerIdentity {
  /** Made at the first start on a root directory, and kept there. */
  readonly uuid: string;
  readonly pid: number;
  /** Inode of the pid namespace. */
  readonly pidNamespace: bigint;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads the identity kept in `root`, or makes one; an unreadable one is replaced. */
export async function openServerIdentity(root: string): Promise<ServerIdentity> {
  const { ino } = await stat('/proc/self/ns/pid', { bigint: true });
  return { uuid: await keptUuid(join(root, 'uuid')), pid: process.pid, pidNamespace: ino };
}

async function keptUuid(path: string): Promise<string> {
  const kept = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return '';
    throw cause;
  });
  if (UUID.test(kept.trim())) return kept.trim();
  const uuid = randomUUID();
  await writeDurably(path, uuid);
  return uuid;
}
