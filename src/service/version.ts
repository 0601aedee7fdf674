import type { ServiceImplementation } from '../rpc/handlers.js';

/** containerd.services.version.v1.Version. @param revision The commit it was built from; empty when not known. */
export function createVersionService(
  version: string,
  revision: string,
): ServiceImplementation<'containerd.services.version.v1.Version'> {
  return {
    version: () => Promise.resolve({ version, revision }),
  };
}
