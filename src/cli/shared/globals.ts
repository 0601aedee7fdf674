import { DaemonError } from '../../base/errors.js';
import type { Io } from './io.js';
import { flag, parseDurationMs, text } from './options.js';

/** Options of both programs, before the command's name or (in their long form) behind it. */
export const GLOBAL_OPTIONS = {
  address: text('-a, --address <path>', 'socket of the daemon (WHARFD_ADDRESS)'),
  socket: text('-s, --socket <path>', 'the same'),
  namespace: text('-n, --namespace <name>', 'namespace to act in (WHARFD_NAMESPACE)'),
  debug: flag('--debug', 'tell causes of errors'),
  timeout: text('--timeout <time>', 'for the whole command, such as 90s', parseDurationMs),
  connectTimeout: text('--connect-timeout <time>', 'for reaching the daemon', parseDurationMs),
};

/** Where a command finds its daemon, and how long it waits. */
export interface Globals {
  readonly address: string;
  readonly namespace: string;
  readonly debug: boolean;
  /** Milliseconds; undefined is for ever. */
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number;
}

interface GivenGlobals {
  readonly address?: string | undefined;
  readonly socket?: string | undefined;
  readonly namespace?: string | undefined;
  readonly debug: boolean;
  readonly timeout?: number | undefined;
  readonly connectTimeout?: number | undefined;
}

/** Flags beat our environment, which beats containerd's, which beats the default. */
export function resolveGlobals(given: GivenGlobals, io: Io): Globals {
  const { WHARFD_ADDRESS, CONTAINERD_ADDRESS, WHARFD_NAMESPACE, CONTAINERD_NAMESPACE } = io.env;
  const address = given.address ?? given.socket ?? (WHARFD_ADDRESS || CONTAINERD_ADDRESS || '/run/wharfd/wharfd.sock');
  const path = address.replace(/^unix:(?:\/\/)?/, '');
  if (path === '') throw new DaemonError('invalid-argument', '--address is empty: give the path of a unix socket');
  return {
    address: path,
    namespace: given.namespace ?? (WHARFD_NAMESPACE || CONTAINERD_NAMESPACE || 'default'),
    debug: given.debug,
    timeoutMs: given.timeout,
    connectTimeoutMs: given.connectTimeout ?? 10_000,
  };
}
