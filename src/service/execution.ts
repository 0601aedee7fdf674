import type { ContainerState, ExecRequest, Execution } from '../core/execution/execution.js';
import type { RunRequest } from '../core/execution/run.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate, timestampOfNs } from '../rpc/time.js';
import type { ProcessOptions } from '../spec/process-options.js';

type Wire = 'wharfd.services.execution.v1.RunRequest';

/** wharfd.services.execution.v1.ExecutionService: containers with their task as one thing. */
export function createExecutionService(
  execution: Execution,
): ServiceImplementation<'wharfd.services.execution.v1.ExecutionService'> {
  return {
    async run(request, { scope }) {
      const { containerId, pid } = await execution.run(scope, fromWireRun(request));
      return { id: containerId, pid };
    },
    async exec(request, { scope, peer }) {
      const view = await execution.exec(scope, {
        ...fromWireExec(request),
        ...(peer.uid !== undefined && { peerUid: peer.uid }),
      });
      return { exec_id: view.execId, pid: view.pid };
    },
    async list({ filters }, { scope }) {
      return { containers: (await execution.list(scope, filters)).map(toWireSummary) };
    },
    async remove({ id, force }, { scope }) {
      const exit = await execution.remove(scope, id, force);
      return {
        exit_status: exit?.status ?? 0,
        exited_at: exit?.exitedAtNs === undefined ? null : timestampOfNs(exit.exitedAtNs),
      };
    },
  };
}

function fromWireRun(request: Incoming<Wire>): RunRequest {
  const { id, image, snapshotter, labels, attach, stdin, spec, runtime_options: options } = request;
  return {
    ...{ id, image, snapshotter, labels, attach, stdin },
    runtime: { name: request.runtime, ...(options && { options: fromWireAny(options) }) },
    ...(spec && { spec: fromWireAny(spec) }),
    process: fromWireProcess(request.process),
    removeOnExit: request.remove_on_exit,
    hostNetwork: request.host_network,
    readonlyRootfs: request.readonly_rootfs,
    mounts: request.mounts.map(({ type, source, target, options: flags }) => ({
      ...{ destination: target, type, source, options: flags },
    })),
  };
}

function fromWireExec(request: Incoming<'wharfd.services.execution.v1.ExecRequest'>): ExecRequest {
  const { id, exec_id: execId, attach, stdin } = request;
  return { containerId: id, execId, process: fromWireProcess(request.process), attach, stdin };
}

/** What a request without process options means: everything as the image, or the container, has it. */
const AS_IT_IS: ProcessOptions = {
  ...{ args: [], replaceEntrypoint: false, env: [], cwd: '', user: '', terminal: false, hostname: '' },
};

function fromWireProcess(options: Incoming<'wharfd.services.execution.v1.ProcessOptions'> | null): ProcessOptions {
  if (!options) return AS_IT_IS;
  const { args, env, cwd, user, terminal, hostname, replace_entrypoint: replaceEntrypoint } = options;
  return { args, env, cwd, user, terminal, hostname, replaceEntrypoint };
}

function fromWireAny({ type_url, value }: Incoming<'google.protobuf.Any'>): OpaqueAny {
  return { typeUrl: type_url, value };
}

const STATUS = {
  created: 'CONTAINER_STATUS_CREATED',
  running: 'CONTAINER_STATUS_RUNNING',
  paused: 'CONTAINER_STATUS_PAUSED',
  stopped: 'CONTAINER_STATUS_STOPPED',
} as const;

function toWireSummary({ container, task }: ContainerState): Outgoing<'wharfd.services.execution.v1.ContainerSummary'> {
  const { exit } = task ?? {};
  return {
    ...{ id: container.id, image: container.image, labels: container.labels },
    pid: task && !exit ? task.pid : 0,
    status: task ? STATUS[task.status] : 'CONTAINER_STATUS_DEFINED',
    ...(exit && { exit_status: exit.status }),
    exited_at: exit?.exitedAtNs === undefined ? null : timestampOfNs(exit.exitedAtNs),
    created_at: timestampOfDate(container.createdAt),
  };
}
