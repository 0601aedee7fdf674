import { isKind } from '../../base/errors.js';
import type { Scope } from '../namespaces/scope.js';
import type { Execution } from './execution.js';
import type { RunOutcome, RunRequest } from './run.js';

/**
 * Runs a container that dies with its owner: it is removed by force when `signal` fires or the caller stops asking. Ends by itself when
 * the process has, and what is to be removed then is removed as always.
 *
 * @returns What was made, once.
 * @throws As Execution.run; the signal's reason.
 */
export async function* runOwned(
  execution: Pick<Execution, 'run' | 'remove' | 'tasks'>,
  scope: Scope,
  request: RunRequest,
  signal: AbortSignal,
): AsyncGenerator<RunOutcome, void> {
  const outcome = await execution.run(scope, { ...request, createOnly: false, removeOnExit: true, ephemeral: true });
  const { containerId } = outcome;
  let ended = false;
  try {
    yield outcome;
    await execution.tasks(scope).wait(containerId, '', signal);
    ended = true;
  } finally {
    if (!ended) await execution.remove(scope, containerId, true).catch(ignoreMissing);
  }
}

function ignoreMissing(error: unknown): void {
  if (!isKind(error, 'not-found')) throw error;
}
