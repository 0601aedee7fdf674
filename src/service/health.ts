import { once } from 'node:events';
import { DaemonError } from '../base/errors.js';
import type { ServiceImplementation } from '../rpc/handlers.js';

/**
 * grpc.health.v1.Health: a daemon that answers is serving.
 *
 * @param services Names that may be asked for, besides the empty one, which means the whole.
 */
export function createHealthService(services: readonly string[]): ServiceImplementation<'grpc.health.v1.Health'> {
  const known = new Set(['', ...services]);
  return {
    check({ service }) {
      if (known.has(service)) return Promise.resolve({ status: 'SERVING' });
      return Promise.reject(new DaemonError('not-found', `unknown service ${JSON.stringify(service)}`));
    },
    async *watch({ service }, { signal }) {
      yield { status: known.has(service) ? 'SERVING' : 'SERVICE_UNKNOWN' };
      // Until the client leaves or the server closes: nothing changes in between.
      if (!signal.aborted) await once(signal, 'abort');
      signal.throwIfAborted();
    },
  };
}
