import { DaemonError, messageOf } from '../../base/errors.js';
import type { HealthCheck } from '../../spec/health-check.js';
import type { Scope } from '../namespaces/scope.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import type { HealthProbe } from './health.js';
import type { AttachedProcess, AttachOptions, Tasks } from './tasks.js';

const OUTPUT_BYTES_MAX = 4096;
const SIGKILL = 9;

/** What it takes to run a command in a container. */
export interface ProbePorts {
  exec(
    scope: Scope,
    request: {
      readonly containerId: string;
      readonly execId: string;
      readonly process: ProcessOptions;
      readonly attach: boolean;
      readonly stdin: boolean;
    },
  ): Promise<{ readonly execId: string }>;
  attach(scope: Scope, containerId: string, execId: string, options: AttachOptions): Promise<AttachedProcess>;
  readonly tasks: (scope: Scope) => Pick<Tasks, 'kill'>;
}

/** Runs a check's command as an added process of the container, with its user and environment. Never rejects. */
export async function runProbe(
  execution: ProbePorts,
  scope: Scope,
  containerId: string,
  { args, timeoutMs }: HealthCheck,
  signal: AbortSignal,
): Promise<HealthProbe> {
  const start = new Date();
  const written = new Output();
  const late = AbortSignal.timeout(timeoutMs);
  const until = AbortSignal.any([signal, late]);
  const ended = (exitStatus: number | undefined, more = ''): HealthProbe => {
    return { start, end: new Date(), exitStatus, output: `${written.text()}${more}` };
  };
  let execId = '';
  try {
    ({ execId } = await execution.exec(scope, {
      containerId,
      execId: '',
      process: processOf(args),
      attach: true,
      stdin: false,
    }));
    await using attached = await execution.attach(scope, containerId, execId, { signal: until });
    for await (const { bytes } of attached.output) written.add(bytes);
    const exit = await attached.finish(until);
    return ended(exit.unknown ? undefined : exit.status);
  } catch (error) {
    if (execId !== '' && until.aborted) {
      // It may have ended in this very moment.
      await execution
        .tasks(scope)
        .kill(containerId, execId, SIGKILL, false)
        .catch(() => undefined);
    }
    return ended(undefined, late.aborted ? `no end within ${timeoutMs} ms` : messageOf(error));
  }
}

function processOf(args: readonly string[]): ProcessOptions {
  if (args.length === 0) throw new DaemonError('invalid-argument', 'the health check has no command');
  return { args, replaceEntrypoint: true, env: [], cwd: '', user: '', terminal: false, hostname: '' };
}

class Output {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  add(bytes: Uint8Array): void {
    const part = bytes.subarray(0, OUTPUT_BYTES_MAX - this.#size);
    this.#parts.push(part);
    this.#size += part.length;
  }

  text(): string {
    return Buffer.concat(this.#parts).toString();
  }
}
