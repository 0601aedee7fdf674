import { Socket } from 'node:net';
import { abortable } from '../../base/abort.js';
import { DaemonError, isErrno, isKind } from '../../base/errors.js';
import type { ProcessKey } from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Processes } from '../../core/kernel/processes.js';
import type { Programs } from '../../core/kernel/programs.js';
import type { KeptProcess, LaunchOrder, ProcessKeeper } from './keeper.js';
import { LostProcess, MONITOR_LOST } from './lost-process.js';
import { connectMonitor } from './monitor-connection.js';
import { MonitorProcess } from './monitor-process.js';
import { RUNTIME_TIMEOUT_MS, runtimeError } from './oci-cli.js';
import { readBootId, readProcessFile } from './records.js';
import type { StdioTarget } from './stdio-target.js';

/** First descriptor that a started program gets besides its standard streams. */
const CONTROL_FD = 3;
/** What the monitor replaces by the path of its console socket. */
const CONSOLE_ARGUMENT = '{console}';

export interface MonitorKeeperParts {
  readonly programs: Programs;
  readonly descriptors: Descriptors;
  readonly processes: Processes;
  /** Absolute path of wharfd-monitor. */
  readonly monitor: string;
}

/** Starts one monitor for each process; they outlive the daemon. */
export class MonitorKeeper implements ProcessKeeper {
  readonly #parts: MonitorKeeperParts;

  constructor(parts: MonitorKeeperParts) {
    this.#parts = parts;
  }

  async launch(order: LaunchOrder, signal?: AbortSignal): Promise<KeptProcess> {
    signal?.throwIfAborted();
    const process = new MonitorProcess(this.#parts.processes, order.key, order.dir);
    process.begin(await this.#start(order));
    const deadline = AbortSignal.timeout(RUNTIME_TIMEOUT_MS);
    const limit = signal ? AbortSignal.any([signal, deadline]) : deadline;
    try {
      const state = await abortable(process.settled(), limit);
      if (state.phase !== 'failed') return process;
      throw await runtimeError(order.what, order.runtimeLog, state.message, state.runtimeStatus);
    } catch (cause) {
      await process.giveUp();
      if (!deadline.aborted) throw cause;
      throw new DaemonError(
        'deadline-exceeded',
        `${order.what}: no answer within ${RUNTIME_TIMEOUT_MS} ms; it was killed`,
        { cause },
      );
    }
  }

  async recover(key: ProcessKey, dir: string): Promise<KeptProcess | undefined> {
    const socket = await connectMonitor(dir);
    const adopted = socket && (await this.#adopt(key, dir, socket));
    if (adopted) return adopted.process;
    const file = await readProcessFile(dir);
    if (file?.bootId !== (await readBootId())) return undefined;
    return new LostProcess(this.#parts.processes, key, dir, file, MONITOR_LOST);
  }

  /** The process of a monitor that answers, if its launch did not fail; undefined when the monitor ends at this very moment. */
  async #adopt(key: ProcessKey, dir: string, socket: Socket): Promise<{ readonly process?: KeptProcess } | undefined> {
    const process = new MonitorProcess(this.#parts.processes, key, dir);
    try {
      await process.adopt(socket);
      const { phase } = await process.settled();
      if (phase !== 'failed') return { process };
      await process.giveUp();
      return {};
    } catch (cause) {
      if (!isKind(cause, 'unavailable')) throw cause;
      return undefined;
    }
  }

  async #start(order: LaunchOrder): Promise<Socket> {
    const { programs, descriptors, monitor } = this.#parts;
    const [ours, theirs] = descriptors.socketPair();
    try {
      await programs.start(monitor, monitorArguments(order), { detached: true, extraFds: [theirs] });
    } catch (cause) {
      descriptors.close(ours);
      if (!isErrno(cause, 'ENOENT') && !isKind(cause, 'not-found')) throw cause;
      throw new DaemonError(
        'failed-precondition',
        `monitor ${monitor} is missing: run \`make build\`, or install again`,
        { cause },
      );
    } finally {
      descriptors.close(theirs);
    }
    return new Socket({ fd: ours, readable: true, writable: true });
  }
}

/** The monitor's command line (native/monitor/PROTOCOL.md). */
function monitorArguments(order: LaunchOrder): string[] {
  const { dir, targets, terminal, options, oom, pidFile, log } = order;
  const { ioUid, ioGid } = options;
  return [
    ...['--dir', dir, '--pid-file', pidFile, '--control-fd', String(CONTROL_FD)],
    ...['--log', log.file, '--log-bytes', String(log.maxBytes), '--log-files', String(log.maxFiles)],
    ...(log.all ? ['--log-all'] : []),
    ...[
      '--stdin',
      targetArgument(targets[0]),
      '--stdout',
      targetArgument(targets[1]),
      '--stderr',
      targetArgument(targets[2]),
    ],
    ...(terminal ? ['--terminal'] : []),
    ...(ioUid === undefined ? [] : ['--io-uid', String(ioUid)]),
    ...(ioGid === undefined ? [] : ['--io-gid', String(ioGid)]),
    ...(oom ? ['--oom'] : []),
    ...['--', ...order.commandLine(terminal ? CONSOLE_ARGUMENT : undefined)],
  ];
}

function targetArgument(target: StdioTarget): string {
  return target.kind === 'path' ? `path:${target.path}` : target.kind;
}
