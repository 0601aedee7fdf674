import { DaemonError } from '../base/errors.js';
import type { Labels } from './labels.js';

/** Labels of a container that is to be started again; the names are those of containerd's restart plugin. */
export const RESTART_LABELS = {
  /** `running`: it was started, and is to run. */
  status: 'containerd.io/restart.status',
  /** As `parseRestartPolicy` reads it. */
  policy: 'containerd.io/restart.policy',
  /** How often it was started again since a user started it. */
  count: 'containerd.io/restart.count',
  /** Where the output of a task goes that is started again, as a URI: of other clients' containers. */
  logUri: 'containerd.io/restart.loguri',
  /** `true`: a user has stopped it. */
  explicitlyStopped: 'containerd.io/restart.explicitly-stopped',
} as const;

/** When a container is started again after its process has ended. */
export interface RestartPolicy {
  readonly kind: 'no' | 'always' | 'on-failure' | 'unless-stopped';
  /** Of on-failure: how often at most; without end when absent. */
  readonly maxRestarts?: number;
}

/** How a container that does not run came to its end. */
export interface RestartQuestion {
  /** Undefined: not known. */
  readonly exitStatus: number | undefined;
  /** `end`: its process has ended just now. `boot`: a daemon that has just started found it so. */
  readonly moment: 'end' | 'boot';
}

/** Reads `no`, `always`, `on-failure`, `on-failure:<n>` or `unless-stopped`. @throws invalid-argument. */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === 'no' || text === 'always' || text === 'unless-stopped') return { kind: text };
  const [, max] = /^on-failure(?::(\d{1,9}))?$/.exec(text) ?? [text];
  if (text.startsWith('on-failure') && (max !== undefined || text === 'on-failure')) {
    return { kind: 'on-failure', ...(max !== undefined && Number(max) > 0 && { maxRestarts: Number(max) }) };
  }
  throw new DaemonError(
    'invalid-argument',
    `${JSON.stringify(text)} is no restart policy: no, always, on-failure[:number] or unless-stopped`,
  );
}

/**
 * The labels that a container begins with: those that it is given and, with a restart policy, whether it is to run.
 *
 * @throws invalid-argument: the policy is none, or the container is to be removed at its end.
 */
export function firstRestartLabels(
  labels: Labels,
  { starts, removeOnExit }: { readonly starts: boolean; readonly removeOnExit: boolean },
): Labels {
  const policy = labels[RESTART_LABELS.policy];
  if (policy === undefined || parseRestartPolicy(policy).kind === 'no') return labels;
  if (removeOnExit) {
    throw new DaemonError(
      'invalid-argument',
      `restart policy ${policy}: a container that is removed at its end is not started again; leave out one of the two`,
    );
  }
  return starts ? { ...labels, [RESTART_LABELS.status]: 'running' } : labels;
}

/**
 * Whether a container with these labels is to be started again, and how often it was. One that a user has stopped is not, except by
 * `always` when the daemon starts.
 *
 * @throws invalid-argument: its policy is none.
 */
export function restartOf(labels: Labels, { exitStatus, moment }: RestartQuestion): { wanted: boolean; count: number } {
  const policy = parseRestartPolicy(labels[RESTART_LABELS.policy] ?? 'no');
  const count = Number(labels[RESTART_LABELS.count] ?? 0) || 0;
  const isStopped = labels[RESTART_LABELS.explicitlyStopped] === 'true';
  const wasStarted = labels[RESTART_LABELS.status] === 'running';
  const wanted = (wasStarted || moment === 'end') && wantedBy(policy, { count, exitStatus, isStopped, moment });
  return { wanted, count };
}

function wantedBy(
  { kind, maxRestarts = Infinity }: RestartPolicy,
  state: RestartQuestion & { readonly count: number; readonly isStopped: boolean },
): boolean {
  switch (kind) {
    case 'no':
      return false;
    case 'always':
      return !state.isStopped || state.moment === 'boot';
    case 'unless-stopped':
      return !state.isStopped;
    case 'on-failure':
      return !state.isStopped && state.exitStatus !== 0 && state.count < maxRestarts;
  }
}
