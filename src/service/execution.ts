import { DaemonError } from '../base/errors.js';
import type { ContainerState, ExecRequest, Execution } from '../core/execution/execution.js';
import { runOwned } from '../core/execution/owned-run.js';
import type { RunOutcome, RunRequest } from '../core/execution/run.js';
import { DEFAULT_LOG_LIMITS, type LogLimits } from '../core/execution/logs.js';
import type { HealthState } from '../core/execution/health.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { timestampOfDate, timestampOfNs } from '../rpc/time.js';
import { fromWireResources, fromWireSpecOptions } from './spec-options.js';
import type { HealthOptions } from '../spec/health-check.js';
import { parseSignal } from '../spec/signal-name.js';
import type { ProcessOptions } from '../spec/process-options.js';

/** Bounds of the bounds of a log. */
const LOG_BYTES_LEAST = 65_536;
const LOG_FILES_MOST = 1000;

type Wire = 'wharfd.services.execution.v1.RunRequest';

/** wharfd.services.execution.v1.ExecutionService: containers with their task as one thing. */
export function createExecutionService(
  execution: Execution,
): ServiceImplementation<'wharfd.services.execution.v1.ExecutionService'> {
  return {
    async run(request, { scope }) {
      if (request.only_spec) {
        return { id: request.id, spec: Buffer.from(await execution.specOfRun(scope, fromWireRun(request))) };
      }
      return toWireRun(await execution.run(scope, fromWireRun(request)));
    },
    async *runOwned({ run }, { scope, signal }) {
      if (!run) throw new DaemonError('invalid-argument', 'what is to be run is missing');
      for await (const outcome of runOwned(execution, scope, fromWireRun(run), signal))
        yield { run: toWireRun(outcome) };
    },
    async exec(request, { scope, peer }) {
      const view = await execution.exec(scope, {
        ...fromWireExec(request),
        ...(peer.uid !== undefined && { peerUid: peer.uid }),
      });
      return { exec_id: view.execId, pid: view.pid };
    },
    async start({ id }, { scope }) {
      const { pid } = await execution.start(scope, id);
      return { pid };
    },
    async stop({ id, timeout, signal }, { scope }) {
      const exit = await execution.stop(scope, id, {
        ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
        ...(signal !== '' && { signal: parseSignal(signal) }),
      });
      return { exit_status: exit?.status ?? 0 };
    },
    async list({ filters }, { scope }) {
      return { containers: (await execution.list(scope, filters)).map(toWireSummary) };
    },
    async rename({ id, new_id: newId }, { scope }) {
      await execution.rename(scope, id, newId);
      return {};
    },
    async update({ id, resources }, { scope }) {
      await execution.update(scope, id, fromWireResources(resources));
      return {};
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

function toWireRun({ containerId, pid, warnings }: RunOutcome): Outgoing<'wharfd.services.execution.v1.RunResponse'> {
  return { id: containerId, pid, warnings: [...warnings] };
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
    logLimits: logLimits(toSafeNumber(request.log_max_size), request.log_max_files),
    mounts: request.mounts.map(({ type, source, target, options: flags }) => ({
      ...{ destination: target, type, source, options: flags },
    })),
    options: fromWireSpecOptions(request.options),
    rootfs: request.rootfs,
    createOnly: request.create_only,
    stopSignal: request.stop_signal,
    ...(request.stop_timeout !== undefined && { stopTimeoutMs: request.stop_timeout * 1000 }),
    ...(request.health && { health: fromWireHealth(request.health) }),
    network: request.network,
    ports: request.ports.map((port) => ({
      ...{
        hostPort: port.host_port,
        containerPort: port.container_port,
        protocol: port.protocol,
        hostIp: port.host_ip,
      },
    })),
  };
}

function fromWireHealth(wire: Incoming<'wharfd.services.execution.v1.HealthOptions'>): HealthOptions {
  const { none, command, interval, timeout, start_period: startPeriod, start_interval: startInterval, retries } = wire;
  return {
    none,
    ...(command !== undefined && { command }),
    ...(interval !== undefined && { intervalMs: toSafeNumber(interval) }),
    ...(timeout !== undefined && { timeoutMs: toSafeNumber(timeout) }),
    ...(startPeriod !== undefined && { startPeriodMs: toSafeNumber(startPeriod) }),
    ...(startInterval !== undefined && { startIntervalMs: toSafeNumber(startInterval) }),
    ...(retries !== undefined && { retries }),
  };
}

/** @throws invalid-argument: a log that holds next to nothing, or more files than can be told apart. */
function logLimits(maxBytes: number, maxFiles: number): LogLimits {
  if (maxBytes !== 0 && maxBytes < LOG_BYTES_LEAST) {
    throw new DaemonError(
      'invalid-argument',
      `a log of ${maxBytes} bytes a file is too small: give ${LOG_BYTES_LEAST} or more`,
    );
  }
  if (maxFiles > LOG_FILES_MOST) throw new DaemonError('invalid-argument', `a log has at most ${LOG_FILES_MOST} files`);
  return { maxBytes: maxBytes || DEFAULT_LOG_LIMITS.maxBytes, maxFiles: maxFiles || DEFAULT_LOG_LIMITS.maxFiles };
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

function toWireSummary({
  container,
  task,
  health,
}: ContainerState): Outgoing<'wharfd.services.execution.v1.ContainerSummary'> {
  const { exit } = task ?? {};
  return {
    ...{ id: container.id, image: container.image, labels: container.labels },
    pid: task && !exit ? task.pid : 0,
    status: task ? STATUS[task.status] : 'CONTAINER_STATUS_DEFINED',
    ...(exit && { exit_status: exit.status, exit_unknown: exit.unknownReason ?? '' }),
    exited_at: exit?.exitedAtNs === undefined ? null : timestampOfNs(exit.exitedAtNs),
    created_at: timestampOfDate(container.createdAt),
    health: health ? toWireHealth(health) : null,
  };
}

function toWireHealth({ status, failingStreak, probes }: HealthState): Outgoing<'wharfd.services.execution.v1.Health'> {
  return {
    ...{ status, failing_streak: failingStreak },
    probes: probes.map(({ start, end, exitStatus, output }) => ({
      ...{ start: timestampOfDate(start), end: timestampOfDate(end), output },
      ...(exitStatus !== undefined && { exit_status: exitStatus }),
    })),
  };
}
