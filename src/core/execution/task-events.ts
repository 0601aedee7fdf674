import { createHash } from 'node:crypto';
import type { Event } from '../events/journal.js';
import type { Mount } from '../kernel/mounts.js';
import type { ExitRecord, StdioPaths } from './runtime.js';
import type { ProcessRecord } from './task-store.js';

const NS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970 as RFC 3339 text with all nine decimals. */
export function isoOfNs(ns: bigint): string {
  const whole = new Date(Number(ns / NS_PER_MS)).toISOString().slice(0, -4);
  return `${whole}${String(ns % (1000n * NS_PER_MS)).padStart(9, '0')}Z`;
}

/** What TaskCreate tells besides the record. */
export interface CreatedTask {
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly stdio: StdioPaths;
}

/** Events of tasks: topics and messages are containerd's (api/events/task.proto). */
export const taskEvents = {
  create(record: ProcessRecord, task: CreatedTask): Event {
    return event('/tasks/create', 'TaskCreate', {
      container_id: record.containerId,
      bundle: task.bundle,
      rootfs: task.rootfs.map((mount) => ({ ...mount })),
      io: { ...task.stdio },
      pid: record.pid,
    });
  },
  start({ containerId, execId, pid }: ProcessRecord): Event {
    return execId === ''
      ? event('/tasks/start', 'TaskStart', { container_id: containerId, pid })
      : event('/tasks/exec-started', 'TaskExecStarted', { container_id: containerId, exec_id: execId, pid });
  },
  execAdded({ containerId, execId }: ProcessRecord): Event {
    return event('/tasks/exec-added', 'TaskExecAdded', { container_id: containerId, exec_id: execId });
  },
  oom({ containerId }: ProcessRecord): Event {
    return event('/tasks/oom', 'TaskOOM', { container_id: containerId });
  },
  /** `unknown` is not of the wire's message; it marks in the journal a status that nobody could learn. */
  exit({ containerId, execId, pid }: ProcessRecord, exit: ExitRecord): Event {
    return event('/tasks/exit', 'TaskExit', {
      container_id: containerId,
      id: execId === '' ? containerId : execId,
      pid,
      exit_status: exit.status,
      exited_at: isoOfNs(exit.exitedAtNs),
      ...(exit.unknown && { unknown: true, unknown_reason: exit.unknownReason ?? '' }),
    });
  },
  delete(record: ProcessRecord): Event {
    return event('/tasks/delete', 'TaskDelete', {
      container_id: record.containerId,
      pid: record.pid,
      exit_status: record.exitStatus ?? 0,
      ...(record.exitedAtNs !== undefined && { exited_at: isoOfNs(record.exitedAtNs) }),
    });
  },
  paused({ containerId }: ProcessRecord): Event {
    return event('/tasks/paused', 'TaskPaused', { container_id: containerId });
  },
  resumed({ containerId }: ProcessRecord): Event {
    return event('/tasks/resumed', 'TaskResumed', { container_id: containerId });
  },
  /** Ours: containerd's messages have none of it. */
  health({ containerId }: ProcessRecord, status: string): Event {
    const fields = { container_id: containerId, status };
    return { topic: '/wharfd/health', payload: { type: 'wharfd.services.execution.v1.HealthChanged', fields } };
  },
} as const;

/** The audit record of an exec: who asked, and what for as a hash, since arguments may hold secrets. */
export function execAudit(record: ProcessRecord, args: readonly string[], peerUid: number | undefined): Event {
  const hash = createHash('sha256');
  for (const arg of args) hash.update(arg).update('\0');
  return {
    topic: '/wharfd/audit/exec',
    payload: {
      type: 'wharfd.services.execution.v1.ExecAudit',
      fields: {
        container_id: record.containerId,
        exec_id: record.execId,
        args_sha256: hash.digest('hex'),
        ...(peerUid !== undefined && { peer_uid: peerUid }),
      },
    },
  };
}

function event(topic: string, message: string, fields: Readonly<Record<string, unknown>>): Event {
  return { topic, payload: { type: `containerd.events.${message}`, fields } };
}
