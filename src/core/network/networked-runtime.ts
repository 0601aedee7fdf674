import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Runtime } from '../execution/runtime.js';
import type { ContainerNetworks } from './container-networks.js';

/**
 * A runtime whose containers are connected to their networks after they are made and before they are started, and disconnected when they
 * are deleted, by whomever and after whatever crash that is.
 */
export function networkedRuntime(runtime: Runtime, networks: ContainerNetworks, log: Logger): Runtime {
  return {
    create: async (request, signal) => {
      const process = await runtime.create(request, signal);
      try {
        await networks.connect(request, process.pid);
      } catch (cause) {
        await runtime.delete(process.key).catch((error: unknown) => {
          log.error(
            { ...process.key, error: messageOf(error) },
            'a container without its network could not be removed',
          );
        });
        await disconnect(networks, process.key, log);
        throw cause;
      }
      return process;
    },
    delete: async (key) => {
      await runtime.delete(key);
      await disconnect(networks, key, log);
    },
    start: (key, signal) => runtime.start(key, signal),
    exec: (request, signal) => runtime.exec(request, signal),
    kill: (key, signal, all) => runtime.kill(key, signal, all),
    pause: (key) => runtime.pause(key),
    resume: (key) => runtime.resume(key),
    pids: (key) => runtime.pids(key),
    update: (key, resources) => runtime.update(key, resources),
    recover: (key) => runtime.recover(key),
    inventory: () => runtime.inventory(),
    features: () => runtime.features(),
  };
}

/** What can't be disconnected does not keep a container from being deleted; the next start tries again. */
async function disconnect(
  networks: ContainerNetworks,
  key: Parameters<Runtime['delete']>[0],
  log: Logger,
): Promise<void> {
  await networks.disconnect(key).catch((error: unknown) => {
    log.error({ ...key, error: messageOf(error) }, 'a container could not be disconnected from its network');
  });
}
