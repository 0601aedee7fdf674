import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DaemonError, kindOf, messageOf } from '../../base/errors.js';
import { Leftovers } from '../../base/leftovers.js';
import type { Logger } from '../../base/logger.js';
import { allDone } from '../../base/together.js';
import type {
  CreateRequest,
  ExecRequest,
  ProcessKey,
  Runtime,
  RuntimeOptions,
  RuntimeProcess,
} from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import type { Mounts } from '../../core/kernel/mounts.js';
import type { Processes } from '../../core/kernel/processes.js';
import type { Programs } from '../../core/kernel/programs.js';
import { Bundle, BUNDLES_FOLDER, listBundles, type RecordedRuntime } from './bundle.js';
import { DEFAULT_LOG_LIMITS } from '../../core/execution/logs.js';
import { EXEC_LOG_LIMITS, type KeptProcess, type LaunchOrder, type ProcessKeeper } from './keeper.js';
import { startByFifo } from './exec-fifo.js';
import { findNamedRuntime, findRuntime, OciCli } from './oci-cli.js';
import { adviceOnVersion } from './runtime-version.js';
import { findStopped, removeStopped } from './stopped-container.js';
import { startLogging } from './logging-program.js';
import { isLogged, stdioTargets, type StdioTargets } from './stdio-target.js';

const SIGKILL = 9;
/** How long the processes of a container that is deleted may take to end after SIGKILL. */
const END_MS = 10_000;

export interface OciRuntimeParts {
  readonly programs: Programs;
  readonly processes: Processes;
  readonly mounts: Mounts;
  readonly files: DirectoryFiles;
  readonly keeper: ProcessKeeper;
  readonly log: Logger;
  /** The daemon's state directory; bundles lie below it. */
  readonly state: string;
  /** OCI runtime used unless a container's options name another: a name in PATH, or an absolute path. */
  readonly binary: string;
  /** State root of the OCI runtime unless the options name one; the namespace is appended. */
  readonly root: string;
  readonly descriptors: Descriptors;
  /** Programs that clients name are run as root to take the output. */
  readonly allowLoggingPrograms: boolean;
  /** File for the log of a container. */
  readonly logFile: (key: ProcessKey) => string;
}

/** Drives runc or crun, with bundles on disk and a keeper as the parent of its processes. */
export class OciRuntime implements Runtime {
  readonly #parts: OciRuntimeParts;
  readonly #bundles: string;
  readonly #kept = new Map<string, KeptProcess>();
  readonly #leftovers: Leftovers;
  /** Programs whose version was looked at. */
  readonly #known = new Set<string>();

  constructor(parts: OciRuntimeParts) {
    this.#parts = parts;
    this.#leftovers = new Leftovers(parts.log);
    this.#bundles = join(parts.state, BUNDLES_FOLDER);
  }

  async create(request: CreateRequest, signal?: AbortSignal): Promise<RuntimeProcess> {
    const bundle = this.#bundle(request);
    const runtime = await this.#record(request);
    const targets = await stdioTargets(request, this.#parts.allowLoggingPrograms);
    signal?.throwIfAborted();
    await this.#leftovers.clear(containerName(request));
    try {
      bundle.create(request.spec, runtime);
    } catch (cause) {
      if (kindOf(cause) !== 'already-exists') await this.#undo(bundle, request.namespace);
      throw cause;
    }
    try {
      await bundle.mountRootfs(this.#parts.mounts, request.rootfs);
      const { noPivotRoot, noNewKeyring } = request.options;
      const flags = [...(noPivotRoot ? ['--no-pivot'] : []), ...(noNewKeyring ? ['--no-new-keyring'] : [])];
      const args = ['create', '--bundle', bundle.path, '--pid-file', bundle.pidFile, ...flags];
      const limits = request.logLimits ?? DEFAULT_LOG_LIMITS;
      const file = request.log ? this.#parts.logFile(request) : join(bundle.processDir(''), 'output.log');
      if (request.log) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      return await this.#launch(bundle, runtime, request, signal, {
        ...{ what: 'OCI runtime create failed', pidFile: bundle.pidFile, oom: true, targets, args },
        log: { ...limits, file, all: request.log ?? false },
      });
    } catch (cause) {
      await this.#undo(bundle, request.namespace);
      throw cause;
    }
  }

  async start(key: ProcessKey, signal?: AbortSignal): Promise<void> {
    const process = this.#kept.get(nameOf(key));
    const runtime = this.#recorded(this.#bundle(key));
    const { descriptors } = this.#parts;
    if (process && (await startByFifo(descriptors, runtime, key.containerId, process.exited, signal))) return;
    await this.#call(key, 'start', [], signal ? { signal } : {});
  }

  async exec(request: ExecRequest, signal?: AbortSignal): Promise<RuntimeProcess> {
    const bundle = this.#bundle(request);
    const runtime = this.#recorded(bundle);
    const targets = await stdioTargets(request, this.#parts.allowLoggingPrograms);
    signal?.throwIfAborted();
    const dir = bundle.makeProcessDir(request.execId);
    try {
      const [specFile, pidFile] = [join(dir, 'exec-spec.json'), join(dir, 'pid')];
      writeFileSync(specFile, request.process, { mode: 0o600 });
      const args = ['exec', '--process', specFile, '--detach', '--pid-file', pidFile];
      const log = { ...EXEC_LOG_LIMITS, file: join(dir, 'output.log'), all: false };
      const order = { what: 'OCI runtime exec failed', oom: false, ...{ pidFile, targets, args, log } };
      return await this.#launch(bundle, runtime, { ...request, options: runtime.options }, signal, order);
    } catch (cause) {
      bundle.removeProcessDir(request.execId);
      throw cause;
    }
  }

  async kill(key: ProcessKey, signal: number, all: boolean): Promise<void> {
    const process = this.#kept.get(nameOf(key));
    if (all && key.execId === '') {
      await this.#signalAll(key, ['kill', '--all', key.containerId, String(signal)]);
      return;
    }
    if (!process) throw finished();
    // A frozen cgroup takes no signal; the runtime thaws it for SIGKILL.
    if (signal === SIGKILL && key.execId === '') {
      process.signal(0);
      await this.#signalAll(key, ['kill', key.containerId, String(signal)]);
    } else {
      process.signal(signal);
    }
  }

  async pause(key: ProcessKey): Promise<void> {
    await this.#call(key, 'pause');
  }

  async resume(key: ProcessKey): Promise<void> {
    await this.#call(key, 'resume');
  }

  async pids(key: ProcessKey): Promise<readonly number[]> {
    const text = await this.#call(key, 'ps', ['--format', 'json']);
    const pids = JSON.parse(text) as number[] | null;
    return pids ?? [];
  }

  async update(key: ProcessKey, resources: Uint8Array): Promise<void> {
    await this.#call(key, 'update', ['--resources', '-'], { stdin: resources });
  }

  async delete(key: ProcessKey): Promise<void> {
    const bundle = this.#bundle(key);
    this.#leftovers.forget(containerName(key));
    await this.#undo(bundle, key.namespace, true);
  }

  async recover(key: ProcessKey): Promise<RuntimeProcess | undefined> {
    const known = this.#kept.get(nameOf(key));
    if (known) return known;
    const process = await this.#parts.keeper.recover(key, this.#bundle(key).processDir(key.execId));
    if (process) this.#keep(process);
    return process;
  }

  inventory(): Promise<readonly ProcessKey[]> {
    return Promise.resolve(listBundles(this.#bundles));
  }

  async features(): Promise<string | undefined> {
    const { programs, binary } = this.#parts;
    const { code, stdout } = await programs.run(await findRuntime(programs, binary), ['features']);
    return code === 0 ? stdout.toString() : undefined;
  }

  #bundle({ namespace, containerId }: ProcessKey): Bundle {
    return new Bundle(this.#bundles, namespace, containerId);
  }

  /** What a new container's runtime is, found now so that every later call is of the same program. */
  async #record(request: ProcessKey & { readonly options: RuntimeOptions }): Promise<RecordedRuntime> {
    const { namespace, options } = request;
    const { programs } = this.#parts;
    const binary =
      options.binary === undefined || options.binary === ''
        ? await findRuntime(programs, this.#parts.binary)
        : await findNamedRuntime(programs, options.binary, this.#bundle(request).path);
    void this.#lookAtVersion(binary);
    return { binary, root: join(options.root || this.#parts.root, namespace), options };
  }

  /** Says once what is to be said of a runtime that is used. */
  async #lookAtVersion(binary: string): Promise<void> {
    if (this.#known.has(binary)) return;
    this.#known.add(binary);
    const { log, programs } = this.#parts;
    try {
      const { stdout } = await programs.run(binary, ['--version']);
      const advice = adviceOnVersion(stdout.toString());
      if (advice !== undefined) log.warn({ binary }, advice);
    } catch (error) {
      log.warn({ binary, error: messageOf(error) }, 'the version of the OCI runtime can not be told');
    }
  }

  /** @throws not-found: there is no such container. */
  #recorded(bundle: Bundle): RecordedRuntime {
    const runtime = bundle.recordedRuntime();
    if (!runtime) throw new DaemonError('not-found', `container ${bundle.containerId} has no bundle: not found`);
    return runtime;
  }

  async #launch(
    bundle: Bundle,
    runtime: RecordedRuntime,
    request: ProcessKey & { readonly stdio: { readonly terminal: boolean }; readonly options: RuntimeOptions },
    signal: AbortSignal | undefined,
    call: Pick<LaunchOrder, 'what' | 'pidFile' | 'oom' | 'log'> & {
      readonly args: readonly string[];
      readonly targets: Awaited<ReturnType<typeof stdioTargets>>;
    },
  ): Promise<KeptProcess> {
    const { namespace, containerId, execId } = request;
    const { args, targets: wanted, ...rest } = call;
    const dir = bundle.processDir(execId);
    const logging = isLogged(wanted) ? await startLogging(this.#parts, request, dir, wanted) : undefined;
    const targets = logging?.targets ?? (wanted as StdioTargets);
    const runtimeLog = join(dir, 'runtime.log');
    const cli = new OciCli(this.#parts.programs, runtime, dir);
    const order: LaunchOrder = {
      ...{ key: { namespace, containerId, execId }, dir, runtimeLog, targets, ...rest },
      ...{ terminal: request.stdio.terminal, options: request.options },
      commandLine: (console) =>
        cli.commandLine(runtimeLog, [
          ...args,
          ...(console === undefined ? [] : ['--console-socket', console]),
          containerId,
        ]),
    };
    try {
      const process = await this.#parts.keeper.launch(order, signal);
      this.#keep(process);
      return process;
    } catch (cause) {
      await logging?.giveUp();
      throw cause;
    }
  }

  #keep(process: KeptProcess): void {
    const name = nameOf(process.key);
    this.#kept.set(name, process);
    void process.released.then(() => {
      if (this.#kept.get(name) === process) this.#kept.delete(name);
    });
  }

  async #call(
    key: ProcessKey,
    command: string,
    args: readonly string[] = [],
    options: { readonly stdin?: Uint8Array; readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    const bundle = this.#bundle(key);
    const cli = new OciCli(this.#parts.programs, this.#recorded(bundle), bundle.work);
    return await cli.run(`OCI runtime ${command} failed`, [command, ...args, key.containerId], options);
  }

  async #signalAll(key: ProcessKey, args: readonly string[]): Promise<void> {
    const bundle = this.#bundle(key);
    const cli = new OciCli(this.#parts.programs, this.#recorded(bundle), bundle.work);
    try {
      await cli.run('OCI runtime kill failed', args);
    } catch (cause) {
      throw isFinished(cause) ? finished(cause) : cause;
    }
  }

  /** Removes a container now or, if that fails, later; `tell` throws the error besides. */
  async #undo(bundle: Bundle, namespace: string, tell = false): Promise<void> {
    const remove = () => this.#remove(bundle, namespace);
    await remove().catch((error: unknown) => {
      this.#leftovers.keep(containerName({ namespace, containerId: bundle.containerId }), remove, error);
      if (tell) throw error;
    });
  }

  /** Removes all of a container, as much as there is of it. */
  async #remove(bundle: Bundle, namespace: string): Promise<void> {
    const { containerId } = bundle;
    const { files, mounts, processes } = this.#parts;
    const runtime = bundle.recordedRuntime();
    const stopped = runtime && findStopped(processes, runtime, containerId);
    if (runtime && !stopped) await this.#deleteByRuntime(bundle, runtime);
    const execIds = [...bundle.execIds(), ''];
    const byUs = stopped && removeStopped(stopped);
    const away = execIds.map((execId) => this.#sendAway({ namespace, containerId, execId }));
    const [removed] = await allDone([byUs, bundle.unmountRootfs(mounts), ...away]);
    if (runtime && removed === false) await this.#deleteByRuntime(bundle, runtime);
    bundle.remove(files);
  }

  async #deleteByRuntime(bundle: Bundle, runtime: RecordedRuntime): Promise<void> {
    const cli = new OciCli(this.#parts.programs, runtime, bundle.work);
    await cli.run('OCI runtime delete failed', ['delete', '--force', bundle.containerId]);
  }

  async #sendAway(key: ProcessKey): Promise<void> {
    const process = await this.recover(key);
    if (!process) return;
    const { promise: late, cancel } = after(END_MS);
    const done = await Promise.race([process.release().then(() => true), late]);
    cancel();
    if (!done) this.#parts.log.warn({ ...key, pid: process.pid }, 'a process of a deleted container does not end');
  }
}

function nameOf({ namespace, containerId, execId }: ProcessKey): string {
  return `${namespace}/${containerId}/${execId}`;
}

function containerName({ namespace, containerId }: Pick<ProcessKey, 'namespace' | 'containerId'>): string {
  return `container ${namespace}/${containerId}`;
}

function after(ms: number): { readonly promise: Promise<false>; readonly cancel: () => void } {
  let cancel: () => void = () => undefined;
  const promise = new Promise<false>((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    cancel = () => clearTimeout(timer);
  });
  return { promise, cancel };
}

function finished(cause?: unknown): DaemonError {
  return new DaemonError('not-found', 'process already finished: not found', { cause });
}

/** How runc and crun say that there is nobody to signal. */
function isFinished(cause: unknown): boolean {
  return (
    kindOf(cause) === 'unknown' && /already finished|not running|no such process|does not exist/i.test(messageOf(cause))
  );
}
