import { abortable, deferred, type Deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { SandboxRun, SandboxRuns } from './sandbox-store.js';

/** Names of the controllers that this one stands for; empty for the default. */
const SANDBOXERS: ReadonlySet<string> = new Set(['', 'shim', 'podsandbox']);

/**
 * Runs sandboxes that have no process of their own: a sandbox is a name that containers belong to, with a beginning and an end. There is no
 * pause container; who wants namespaces to be shared makes them and puts them into the containers' specs.
 */
export class SandboxController {
  readonly #runs: Scoped<SandboxRuns>;
  readonly #ends = new Map<string, Deferred<SandboxRun>>();

  constructor(runs: Scoped<SandboxRuns>) {
    this.#runs = runs;
  }

  /** @throws not-found: there is no such controller. */
  check(sandboxer: string): void {
    if (SANDBOXERS.has(sandboxer)) return;
    throw new DaemonError('not-found', `failed to get sandbox controller by ${JSON.stringify(sandboxer)}: not found`);
  }

  /** @throws already-exists. invalid-argument: no proper id. */
  create(scope: Scope, id: string): SandboxRun {
    return this.#runs(scope).create(id);
  }

  /** @throws not-found. failed-precondition: it was started before. */
  start(scope: Scope, id: string): SandboxRun {
    const run = this.get(scope, id);
    if (run.state !== 'created') {
      throw new DaemonError(
        'failed-precondition',
        `sandbox ${JSON.stringify(id)} is ${run.state}: failed precondition`,
      );
    }
    return this.#change(scope, { ...run, state: 'ready', startedMs: Date.now() });
  }

  /** @throws not-found. */
  get(scope: Scope, id: string): SandboxRun {
    const run = this.#runs(scope).find(id);
    if (run) return run;
    throw new DaemonError('not-found', `sandbox ${JSON.stringify(id)}: not found`);
  }

  /** One that has ended already is no error. @throws not-found. */
  stop(scope: Scope, id: string): void {
    const run = this.get(scope, id);
    if (run.state !== 'stopped') this.#change(scope, { ...run, state: 'stopped', exitedMs: Date.now() });
  }

  /** Waits for the end. @throws not-found; also when it is removed meanwhile. */
  async wait(scope: Scope, id: string, signal: AbortSignal): Promise<SandboxRun> {
    const run = this.get(scope, id);
    if (run.state === 'stopped') return run;
    const key = keyOf(scope, id);
    const end = this.#ends.get(key) ?? deferred<SandboxRun>();
    this.#ends.set(key, end);
    return await abortable(end.promise, signal);
  }

  /** Ends it and forgets it. @throws not-found. */
  shutdown(scope: Scope, id: string): void {
    this.stop(scope, id);
    this.#runs(scope).remove(id);
  }

  #change(scope: Scope, run: SandboxRun): SandboxRun {
    this.#runs(scope).change(run);
    if (run.state === 'stopped') {
      const key = keyOf(scope, run.id);
      this.#ends.get(key)?.resolve(run);
      this.#ends.delete(key);
    }
    return run;
  }
}

const keyOf = ({ namespace }: Scope, id: string): string => `${namespace}\0${id}`;
