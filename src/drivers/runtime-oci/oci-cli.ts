import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { Programs } from '../../core/kernel/programs.js';
import type { RecordedRuntime } from './bundle.js';

/** How long a call of the OCI runtime may take. `create` on a slow disk is the longest one. */
export const RUNTIME_TIMEOUT_MS = 120_000;

/** Calls of one container's OCI runtime (runc or crun), each a short-lived program. */
export class OciCli {
  readonly #programs: Programs;
  readonly #runtime: RecordedRuntime;
  readonly #work: string;

  /** @param work Folder for the runtime's own log, one file a call. */
  constructor(programs: Programs, runtime: RecordedRuntime, work: string) {
    this.#programs = programs;
    this.#runtime = runtime;
    this.#work = work;
  }

  /** The whole command line, program first, for a call that logs as JSON to `log`. */
  commandLine(log: string, args: readonly string[]): string[] {
    const { binary, root, options } = this.#runtime;
    const systemd = options.systemdCgroup ? ['--systemd-cgroup'] : [];
    return [binary, '--root', root, '--log', log, '--log-format', 'json', ...systemd, ...args];
  }

  /**
   * Runs one command and returns what it wrote to stdout.
   *
   * @param what First words of the error: `OCI runtime start failed`.
   * @throws unknown: `what` and the runtime's last message, verbatim.
   */
  async run(
    what: string,
    args: readonly string[],
    options: { readonly stdin?: Uint8Array; readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    const log = join(this.#work, `${randomUUID()}.log`);
    const [file = '', ...rest] = this.commandLine(log, args);
    try {
      const { code, stdout, stderr } = await this.#programs.run(file, rest, {
        ...options,
        timeoutMs: RUNTIME_TIMEOUT_MS,
      });
      if (code !== 0) throw await runtimeError(what, log, stderr.toString(), code);
      return stdout.toString();
    } finally {
      rmSync(log, { force: true });
    }
  }
}

/** The error for a call that ended with `code`: last message of its log, else what it wrote to stderr. */
export async function runtimeError(what: string, log: string, stderr: string, code: number): Promise<DaemonError> {
  const text = await readFile(log, 'utf8').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return '';
    throw cause;
  });
  const message = lastErrorMessage(text) ?? (stderr.trim() || `the runtime ended with status ${code} and said nothing`);
  return new DaemonError('unknown', `${what}: ${message}`);
}

/** The last message of level error in a runtime's JSON log, a line each. */
export function lastErrorMessage(log: string): string | undefined {
  let last: string | undefined;
  for (const line of log.split('\n')) {
    try {
      const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if ((level === 'error' || level === 'fatal') && typeof msg === 'string') last = msg.trim();
    } catch {
      // A line that is no JSON: the runtime was killed while it wrote, or a panic.
    }
  }
  return last;
}

/** Absolute path of the OCI runtime. @throws failed-precondition: it is not installed. */
export async function findRuntime(programs: Programs, binary: string): Promise<string> {
  const found = await programs.find(binary);
  if (found !== undefined) return found;
  const advice =
    binary === 'runc' || binary === 'crun'
      ? `: install it with \`apt-get install ${binary}\``
      : ': install it, or name another one';
  throw new DaemonError('failed-precondition', `OCI runtime ${binary} was not found${advice}`);
}

/**
 * Absolute path of an OCI runtime that a client has named. Clients tell by containerd's words whose fault it is that there is none.
 *
 * @throws unknown: it is not installed.
 */
export async function findNamedRuntime(programs: Programs, binary: string, bundle: string): Promise<string> {
  const found = await programs.find(binary);
  if (found !== undefined) return found;
  const why = binary.includes('/')
    ? `fork/exec ${binary}: no such file or directory`
    : `exec: ${JSON.stringify(binary)}: executable file not found in $PATH`;
  const nothing = `unable to retrieve OCI runtime error (open ${join(bundle, 'log.json')}: no such file or directory)`;
  throw new DaemonError('unknown', `OCI runtime create failed: ${nothing}: ${why}`);
}
