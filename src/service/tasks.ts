import { DaemonError } from '../base/errors.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { ProcessExit, ProcessView, Tasks, TaskStats } from '../core/execution/tasks.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate, timestampOfNs, type WireTimestamp } from '../rpc/time.js';
import { messages } from '../rpc/whole.js';
import { fromWireMount } from './descriptors.js';

/** Go's zero time, which containerd sends for a process that has not ended. */
const ZERO_TIME_NS = -62_135_596_800_000_000_000n;

/** containerd.services.tasks.v1.Tasks: running instances of containers. */
export function createTasksService(tasks: Scoped<Tasks>): ServiceImplementation<'containerd.services.tasks.v1.Tasks'> {
  return {
    async create(request, { scope }) {
      if (request.checkpoint?.digest) {
        throw new DaemonError('unimplemented', `task ${request.container_id}: restoring a checkpoint is not supported`);
      }
      const view = await tasks(scope).create(request.container_id, {
        rootfs: request.rootfs.map(fromWireMount),
        stdio: stdioOf(request),
        ...(request.options && { options: fromWireAny(request.options) }),
        runtimePath: request.runtime_path,
      });
      return { container_id: view.containerId, pid: view.pid };
    },
    async start(request, { scope }) {
      const { pid } = await tasks(scope).start(request.container_id, request.exec_id);
      return { pid };
    },
    async delete(request, { scope }) {
      return toWireDeletion('', await tasks(scope).delete(request.container_id));
    },
    async deleteProcess(request, { scope }) {
      const exit = await tasks(scope).deleteProcess(request.container_id, request.exec_id);
      return toWireDeletion(request.exec_id, exit);
    },
    async get(request, { scope }) {
      return { process: toWireProcess(await tasks(scope).get(request.container_id, request.exec_id)) };
    },
    async list(_request, { scope }) {
      return { tasks: (await tasks(scope).list()).map(toWireProcess) };
    },
    async kill(request, { scope }) {
      await tasks(scope).kill(request.container_id, request.exec_id, request.signal, request.all);
    },
    async exec(request, { scope, peer }) {
      if (request.exec_id === '') throw new DaemonError('invalid-argument', 'exec id cannot be empty');
      await tasks(scope).exec(request.container_id, {
        execId: request.exec_id,
        process: request.spec?.value ?? Buffer.alloc(0),
        stdio: stdioOf(request),
        ...(peer.uid !== undefined && { peerUid: peer.uid }),
      });
    },
    async resizePty(request, { scope }) {
      const size = { columns: request.width, rows: request.height };
      await tasks(scope).resize(request.container_id, request.exec_id, size);
    },
    async closeIO(request, { scope }) {
      if (request.stdin) await tasks(scope).closeStdin(request.container_id, request.exec_id);
      else await tasks(scope).get(request.container_id, request.exec_id);
    },
    async pause(request, { scope }) {
      await tasks(scope).pause(request.container_id);
    },
    async resume(request, { scope }) {
      await tasks(scope).resume(request.container_id);
    },
    async listPids(request, { scope }) {
      const processes = await tasks(scope).pids(request.container_id);
      return { processes: processes.map(({ pid, execId }) => ({ pid, info: detailsOf(execId) })) };
    },
    async update(request, { scope }) {
      await tasks(scope).update(request.container_id, request.resources?.value ?? Buffer.from('{}'));
    },
    async metrics({ filters }, { scope }) {
      return { metrics: (await tasks(scope).stats(filters)).map(toWireMetric) };
    },
    async wait(request, { scope, signal }) {
      const exit = await tasks(scope).wait(request.container_id, request.exec_id, signal);
      return { exit_status: exit.status, exited_at: exitTime(exit) };
    },
  };
}

/** The time of an exit as containerd sends it: a set zero time when there is none. */
export function exitTime(exit: ProcessExit | undefined): WireTimestamp {
  return timestampOfNs(exit?.exitedAtNs ?? ZERO_TIME_NS);
}

function fromWireAny({ type_url, value }: Incoming<'google.protobuf.Any'>): OpaqueAny {
  return { typeUrl: type_url, value };
}

function stdioOf({
  stdin,
  stdout,
  stderr,
  terminal,
}: {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}) {
  return { stdin, stdout, stderr, terminal };
}

function detailsOf(execId: string | undefined) {
  return execId === undefined ? null : messages.pack('containerd.runc.v1.ProcessDetails', { exec_id: execId });
}

/** The answer has an id only for execs. */
function toWireDeletion(id: string, exit: ProcessExit): Outgoing<'containerd.services.tasks.v1.DeleteResponse'> {
  return { id, pid: exit.pid, exit_status: exit.status, exited_at: exitTime(exit) };
}

function toWireMetric({ containerId, at, stats }: TaskStats): Outgoing<'containerd.types.Metric'> {
  const data = { type_url: stats.type, value: messages.encodePlain(stats.type, stats.fields) };
  return { id: containerId, timestamp: timestampOfDate(at), data };
}

const STATUS = { created: 'CREATED', running: 'RUNNING', paused: 'PAUSED', stopped: 'STOPPED' } as const;

function toWireProcess(view: ProcessView): Outgoing<'containerd.v1.types.Process'> {
  return {
    // As containerd fills them: `id` is the container's for init, and `container_id` stays empty.
    id: view.execId === '' ? view.containerId : view.execId,
    pid: view.pid,
    status: STATUS[view.status],
    ...view.stdio,
    exit_status: view.exit?.status ?? 0,
    exited_at: exitTime(view.exit),
  };
}
