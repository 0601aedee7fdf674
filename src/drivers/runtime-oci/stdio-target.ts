import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DaemonError } from '../../base/errors.js';
import type { StdioPaths } from '../../core/execution/runtime.js';

/** Where one standard stream of a process leads; as `--stdin` and its like of the monitor. */
export type StdioTarget =
  | { readonly kind: 'null' }
  | { readonly kind: 'path'; readonly path: string }
  /** Over the socket; output waits for the first who attaches. */
  | { readonly kind: 'attach' }
  /** Over the socket; output waits for nobody, and all of it is logged. */
  | { readonly kind: 'log' };

/** Targets of stdin, stdout and stderr. */
export type StdioTargets = readonly [StdioTarget, StdioTarget, StdioTarget];

/** Both outputs go to a program, which is started for that. */
export interface LoggingTarget {
  readonly kind: 'program';
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What containerd's clients call a program that takes the output. */
const LOGGING_SCHEME = 'binary://';

export interface StdioWishes {
  readonly stdio: StdioPaths;
  readonly log?: boolean;
  readonly waitForReader?: boolean;
}

/**
 * Reads the client's stdio fields: absolute paths, or URIs of scheme `fifo` or `file` (which is created).
 *
 * @param allowPrograms Also `binary://`, a program that the client wants run as root; stderr goes to that of stdout.
 * @throws invalid-argument: neither. unimplemented: a program that is not allowed.
 */
export async function stdioTargets(
  { stdio, log, waitForReader }: StdioWishes,
  allowPrograms = false,
): Promise<StdioTargets | readonly [StdioTarget, LoggingTarget, StdioTarget]> {
  if (log) {
    const kind = waitForReader ? 'attach' : 'log';
    return [{ kind }, { kind }, stdio.terminal ? { kind: 'null' } : { kind }];
  }
  const stderr = stdio.terminal ? '' : stdio.stderr;
  const program = allowPrograms ? loggingTarget(stdio.stdout) : undefined;
  if (program) {
    return [await target('stdin', stdio.stdin), program, { kind: stdio.terminal ? 'null' : 'log' }];
  }
  return [await target('stdin', stdio.stdin), await target('stdout', stdio.stdout), await target('stderr', stderr)];
}

/** Undefined for anything but `binary:///path?key=value`. @throws invalid-argument: a program without an absolute path. */
function loggingTarget(text: string): LoggingTarget | undefined {
  if (!text.startsWith(LOGGING_SCHEME)) return undefined;
  const [path = '', query = ''] = text.slice(LOGGING_SCHEME.length).split('?', 2);
  const program = decodeURIComponent(path);
  if (!program.startsWith('/') || program.includes('\0')) {
    throw new DaemonError('invalid-argument', `logging program ${JSON.stringify(text)} has no absolute path`);
  }
  const args = [...new URLSearchParams(query)].flatMap(([key, value]) => (value === '' ? [key] : [key, value]));
  return { kind: 'program', program, args };
}

async function target(name: string, text: string): Promise<StdioTarget> {
  if (text === '') return { kind: 'null' };
  if (text.includes('\0')) throw new DaemonError('invalid-argument', `${name} path has a NUL byte`);
  if (text.startsWith('/')) return { kind: 'path', path: text };
  const [scheme = '', rest = ''] = text.split('://', 2);
  if (scheme === 'binary') {
    throw new DaemonError(
      'unimplemented',
      `${name} ${text}: logging programs are not run; give a FIFO or file://, or allow them by runtime.allow_logging_programs`,
    );
  }
  if ((scheme !== 'fifo' && scheme !== 'file') || !rest.startsWith('/')) {
    throw new DaemonError(
      'invalid-argument',
      `${name} ${JSON.stringify(text)} is no absolute path, fifo:// or file://`,
    );
  }
  const path = decodeURIComponent(rest.replace(/\?.*$/, ''));
  if (scheme === 'file') await makeFile(path);
  return { kind: 'path', path };
}

/** Whether the outputs go to a program. */
export function isLogged(
  targets: StdioTargets | readonly [StdioTarget, LoggingTarget, StdioTarget],
): targets is readonly [StdioTarget, LoggingTarget, StdioTarget] {
  return targets[1].kind === 'program';
}

async function makeFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await (await open(path, 'a', 0o644)).close();
}
