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

export interface StdioWishes {
  readonly stdio: StdioPaths;
  readonly log?: boolean;
  readonly waitForReader?: boolean;
}

/**
 * Reads the client's stdio fields: absolute paths, or URIs of scheme `fifo` or `file` (which is created).
 *
 * @throws invalid-argument: neither. unimplemented: `binary://`, a program that the client wants run as root.
 */
export async function stdioTargets({ stdio, log, waitForReader }: StdioWishes): Promise<StdioTargets> {
  if (log) {
    const kind = waitForReader ? 'attach' : 'log';
    return [{ kind }, { kind }, stdio.terminal ? { kind: 'null' } : { kind }];
  }
  const stderr = stdio.terminal ? '' : stdio.stderr;
  return [await target('stdin', stdio.stdin), await target('stdout', stdio.stdout), await target('stderr', stderr)];
}

async function target(name: string, text: string): Promise<StdioTarget> {
  if (text === '') return { kind: 'null' };
  if (text.includes('\0')) throw new DaemonError('invalid-argument', `${name} path has a NUL byte`);
  if (text.startsWith('/')) return { kind: 'path', path: text };
  const [scheme = '', rest = ''] = text.split('://', 2);
  if (scheme === 'binary') {
    throw new DaemonError('unimplemented', `${name} ${text}: logging programs are not run; give a FIFO or file://`);
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

async function makeFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await (await open(path, 'a', 0o644)).close();
}
