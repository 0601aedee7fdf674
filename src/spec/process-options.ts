import { posix } from 'node:path';
import { DaemonError } from '../base/errors.js';
import type { ImageProcess } from './image-config.js';

/** What a caller wants otherwise than the image (or, for an exec, the container) has it. Empty means: as it is there. */
export interface ProcessOptions {
  /** Replaces the image's Cmd; of an exec, the whole command. */
  readonly args: readonly string[];
  /** `args` replace the image's Entrypoint too. */
  readonly replaceEntrypoint: boolean;
  /** `KEY=VALUE`, or `KEY` alone to remove it. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** `user[:group]`, by name or number. */
  readonly user: string;
  readonly terminal: boolean;
  readonly hostname: string;
}

const ENV_NAME = /^[^=\0\n]+$/;
const HOSTNAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/;

/** The command. @throws invalid-argument: there is none, or it has a NUL byte. */
export function argsFor(image: Pick<ImageProcess, 'entrypoint' | 'cmd'>, options: ProcessOptions): readonly string[] {
  const tail = options.args.length > 0 || options.replaceEntrypoint ? options.args : image.cmd;
  if (options.replaceEntrypoint) return checkArgs(tail, 'without an entrypoint, a command has to be named');
  return checkArgs([...image.entrypoint, ...tail], 'the image has neither Entrypoint nor Cmd: name a command');
}

/** @throws invalid-argument: none, an empty command name, or a NUL byte. */
export function checkArgs(args: readonly string[], none: string): readonly string[] {
  if (args.length === 0) throw new DaemonError('invalid-argument', none);
  if (args[0] === '') throw new DaemonError('invalid-argument', 'the command name is empty');
  if (args.some((arg) => arg.includes('\0'))) throw new DaemonError('invalid-argument', 'the command has a NUL byte');
  return args;
}

/**
 * Later ones win; each key is there once, in the order of its first mention.
 *
 * @throws invalid-argument: a name that is empty or has a newline, a NUL byte anywhere, a HOME with a newline or colon (CVE-2022-4318).
 */
export function mergeEnv(...layers: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of layers.flat()) {
    const at = entry.indexOf('=');
    const name = at < 0 ? entry : entry.slice(0, at);
    if (!ENV_NAME.test(name))
      throw new DaemonError('invalid-argument', `environment variable name ${quoted(name)} is not allowed`);
    if (at < 0) merged.delete(name);
    else merged.set(name, checkedValue(name, entry.slice(at + 1)));
  }
  return [...merged].map(([name, value]) => `${name}=${value}`);
}

function checkedValue(name: string, value: string): string {
  if (value.includes('\0'))
    throw new DaemonError('invalid-argument', `environment variable ${quoted(name)} has a NUL byte`);
  if (name === 'HOME' && /[\n\r:]/.test(value)) {
    throw new DaemonError(
      'invalid-argument',
      `HOME=${quoted(value)} has a newline or a colon, which no home directory may`,
    );
  }
  return value;
}

/**
 * A working directory, without `.` and `..`.
 *
 * @throws invalid-argument: relative, or below /proc or /dev/fd, from where a process may get out of its container (CVE-2024-21626).
 */
export function checkCwd(cwd: string): string {
  if (!cwd.startsWith('/') || cwd.includes('\0')) {
    throw new DaemonError('invalid-argument', `working directory ${quoted(cwd)} is no absolute path`);
  }
  const clean = posix.normalize(cwd).replace(/(?<=.)\/$/, '');
  if (/^\/(?:proc|dev\/fd)(?:\/|$)/.test(clean)) {
    throw new DaemonError(
      'invalid-argument',
      `working directory ${quoted(cwd)} is not allowed: choose one outside of /proc`,
    );
  }
  return clean;
}

/** @throws invalid-argument: not of letters, digits, `-` and `.`, or over 63 characters. */
export function checkHostname(hostname: string): string {
  if (HOSTNAME.test(hostname)) return hostname;
  throw new DaemonError(
    'invalid-argument',
    `hostname ${quoted(hostname)} is not of letters, digits, '-' and '.', at most 63`,
  );
}

/** The hostname that a container id gives: the kernel takes 64 characters, an id may have more. */
export function hostnameOf(id: string): string {
  return id
    .slice(0, 63)
    .replace(/_/g, '-')
    .replace(/[^A-Za-z0-9]+$/, '');
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}…` : text);
}
