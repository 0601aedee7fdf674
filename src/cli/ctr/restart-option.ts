import { parseRestartPolicy, RESTART_LABELS } from '../../spec/restart-policy.js';

export const RESTART_HELP = 'start it again when it ends: no, always, on-failure[:max] or unless-stopped';

/** Checks what was given. @throws invalid-argument. */
export function restartPolicy(text: string): string {
  parseRestartPolicy(text);
  return text;
}

/** The labels by which the daemon knows it. */
export function restartLabels(policy: string | undefined): Record<string, string> {
  return policy === undefined ? {} : { [RESTART_LABELS.policy]: policy };
}
