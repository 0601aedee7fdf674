import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { ProcessKey } from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Programs, RunningProgram } from '../../core/kernel/programs.js';
import type { LoggingTarget, StdioTarget, StdioTargets } from './stdio-target.js';

/** Opens FIFOs as the descriptors of the convention: it waits there until the other side is opened, too. */
const OPENING = 'exec 3<"$1" 4<"$2" 5>/dev/null; shift 2; exec "$@"';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A process's output on its way to a program of the client's. */
export interface LoggedTargets {
  readonly targets: StdioTargets;
  /** Ends the program, where there never was any output. */
  giveUp(): Promise<void>;
}

/**
 * Starts the logging program that a client wants for a process (containerd's `binary://`; runtime/v2/logging): stdout is its descriptor 3,
 * stderr its descriptor 4, its arguments are keys and values of the URI. It outlives the daemon, and ends at the end of the output.
 *
 * @param dir Folder of the process, for the FIFOs between.
 * @throws failed-precondition: there is no such program.
 */
export async function startLogging(
  { programs, descriptors }: { readonly programs: Programs; readonly descriptors: Descriptors },
  { namespace, containerId }: ProcessKey,
  dir: string,
  targets: readonly [StdioTarget, LoggingTarget, StdioTarget],
): Promise<LoggedTargets> {
  const [stdin, logging, stderr] = targets;
  await access(logging.program, constants.X_OK).catch((cause: unknown) => {
    const why = `logging program ${logging.program} can't be run: ${messageOf(cause)}`;
    throw new DaemonError('failed-precondition', why, { cause });
  });
  const fifo = (name: string): string => {
    const path = join(dir, name);
    descriptors.makeFifo(path, 0o600);
    return path;
  };
  const out = fifo('log-stdout');
  // A terminal has one stream only.
  const err = stderr.kind === 'null' ? undefined : fifo('log-stderr');
  const command = [logging.program, ...logging.args];
  const program: RunningProgram = await programs.start(
    '/bin/sh',
    ['-c', OPENING, 'sh', out, err ?? '/dev/null', ...command],
    {
      detached: true,
      env: { PATH, CONTAINER_ID: containerId, CONTAINER_NAMESPACE: namespace },
    },
  );
  return {
    targets: [stdin, { kind: 'path', path: out }, err === undefined ? stderr : { kind: 'path', path: err }],
    async giveUp() {
      program.kill('SIGKILL');
      await program.ended;
    },
  };
}
