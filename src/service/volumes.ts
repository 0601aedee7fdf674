import type { Volumes } from '../core/volumes/volumes.js';
import type { ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate } from '../rpc/time.js';

/** wharfd.services.volumes.v1.VolumesService: named directories that containers have. */
export function createVolumesService(
  volumes: Volumes,
): ServiceImplementation<'wharfd.services.volumes.v1.VolumesService'> {
  return {
    async list(_request, { scope }) {
      const found = await volumes.list(scope);
      return {
        volumes: found.map(({ name, path, createdAt }) => ({ name, path, created_at: timestampOfDate(createdAt) })),
      };
    },
    async remove({ name }, { scope }) {
      await volumes.remove(scope, name);
      return {};
    },
  };
}
