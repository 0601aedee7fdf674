import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import { RESTART_LABELS } from '../../spec/restart-policy.js';
import type { SpecProcess } from '../../spec/runtime-spec.js';
import type { Container } from '../containers/container-store.js';
import type { Mount } from '../kernel/mounts.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { DRAIN_MS, settlesWithin, type ExecutionPorts } from './parts.js';
import { parseJson } from './requests.js';
import type { RunPorts } from './run.js';
import { runRecordOf, type RunRecord } from './run-record.js';
import type { ProcessExit, ProcessView, Tasks } from './tasks.js';

const [SIGKILL, SIGTERM] = [9, 15];
/** As most engines have it. */
const STOP_TIMEOUT_MS = 10_000;

type LifecyclePorts = Pick<ExecutionPorts, 'containers'> & Pick<RunPorts, 'snapshots'>;

/** How a container is asked to end. */
export interface StopRequest {
  /** Milliseconds until SIGKILL; absent: as the container was made. */
  readonly timeoutMs?: number;
  readonly signal?: number;
}

/**
 * Starts a container that Run made and whose process has ended, or was never started. A task that is not started leaves none.
 *
 * @throws not-found. failed-precondition: it runs, or it is another client's. What Tasks.create and start throw.
 */
export async function startContainer(
  scope: Scope,
  ports: LifecyclePorts,
  scoped: Scoped<Tasks>,
  id: string,
): Promise<ProcessView> {
  const container = await ports.containers(scope).get(id);
  const record = runRecordOf(container);
  if (!record)
    throw new DaemonError('failed-precondition', `container ${id} is another client's: that one starts its task`);
  const tasks = scoped(scope);
  await vacate(tasks, id);
  const terminal = hasTerminal(container);
  await tasks.create(id, {
    ...{
      rootfs: await rootfsOf(scope, ports, container, record),
      stdio: { stdin: '', stdout: '', stderr: '', terminal },
    },
    ...{ socketStdio: true, noStdin: record.stdin !== true && !terminal, removeOnExit: record.removeOnExit },
    ...(record.logLimits && { logLimits: record.logLimits }),
  });
  return await startOrDelete(tasks, id);
}

/**
 * Starts a container of another client again, as containerd's restart plugin does it: with its spec and snapshot as they are, the output to
 * where a label says.
 *
 * @throws As startContainer.
 */
export async function startAgain(
  scope: Scope,
  ports: LifecyclePorts,
  scoped: Scoped<Tasks>,
  id: string,
): Promise<ProcessView> {
  const container = await ports.containers(scope).get(id);
  if (runRecordOf(container)) return await startContainer(scope, ports, scoped, id);
  const tasks = scoped(scope);
  await vacate(tasks, id);
  const uri = container.labels[RESTART_LABELS.logUri] ?? '';
  const stdio = { stdin: '', stdout: uri, stderr: uri, terminal: hasTerminal(container) };
  await tasks.create(id, { rootfs: await rootfsOf(scope, ports, container, {}), stdio });
  return await startOrDelete(tasks, id);
}

/** A task that has ended makes way. @throws failed-precondition: it has not ended. */
async function vacate(tasks: Tasks, id: string): Promise<void> {
  const task = await tasks.get(id, '').catch(undefinedIfMissing);
  if (task && task.status !== 'stopped') {
    throw new DaemonError('failed-precondition', `container ${id} is ${task.status} already`);
  }
  if (task) await tasks.delete(id);
}

function hasTerminal({ id, spec }: Container): boolean {
  const { process } = parseJson(spec?.value ?? Buffer.from('{}'), `spec of ${id}`) as { process?: SpecProcess };
  return process?.terminal === true;
}

async function startOrDelete(tasks: Tasks, id: string): Promise<ProcessView> {
  return await tasks.start(id, '').catch(async (cause: unknown) => {
    await tasks.delete(id).catch(undefinedIfMissing);
    throw cause;
  });
}

/** What is mounted as a container's root file system; nothing for one whose client mounts it. */
export async function rootfsOf(
  scope: Scope,
  ports: LifecyclePorts,
  { snapshotter, snapshotKey }: Container,
  { rootfs }: Pick<RunRecord, 'rootfs'>,
): Promise<readonly Mount[]> {
  if (snapshotter !== '') return await ports.snapshots(scope, snapshotter).mounts(snapshotKey);
  return rootfs === undefined ? [] : [{ type: 'bind', source: rootfs, options: ['rbind', 'rw'] }];
}

/**
 * Asks the process of a container to end, and kills all of it when that takes too long.
 *
 * @returns How it has ended; undefined when it never ran.
 * @throws not-found. deadline-exceeded: not even SIGKILL has ended it.
 */
export async function stopContainer(
  scope: Scope,
  ports: LifecyclePorts,
  scoped: Scoped<Tasks>,
  id: string,
  request: StopRequest,
): Promise<ProcessExit | undefined> {
  const record = runRecordOf(await ports.containers(scope).get(id));
  const tasks = scoped(scope);
  const task = await tasks.get(id, '').catch(undefinedIfMissing);
  if (!task || task.status === 'stopped') return task?.exit;
  const { signal, timeoutMs } = wishesOf(record, request);
  const started = task.status !== 'created';
  const ended = tasks.wait(id, '');
  if (started) await ask(tasks, task, signal);
  if (started && (await settlesWithin(ended, timeoutMs))) return await ended;
  await tasks.kill(id, '', SIGKILL, started).catch(undefinedIfMissing);
  if (await settlesWithin(ended, DRAIN_MS)) return await ended;
  throw new DaemonError(
    'deadline-exceeded',
    `container ${id} does not end, not even by SIGKILL: look at its process ${task.pid}`,
  );
}

/** What the request leaves open is as the container was made. */
function wishesOf(record: RunRecord | undefined, request: StopRequest): Required<StopRequest> {
  return {
    signal: request.signal ?? record?.stopSignal ?? SIGTERM,
    timeoutMs: request.timeoutMs ?? record?.stopTimeoutMs ?? STOP_TIMEOUT_MS,
  };
}

/** A frozen process sees its signal when it goes on. */
async function ask(tasks: Tasks, { containerId, status }: ProcessView, signal: number): Promise<void> {
  await tasks.kill(containerId, '', signal, false).catch(undefinedIfMissing);
  if (status === 'paused') await tasks.resume(containerId).catch(undefinedIfMissing);
}
