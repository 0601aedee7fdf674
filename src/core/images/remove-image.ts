import { DaemonError } from '../../base/errors.js';
import type { ContainerStore } from '../containers/container-store.js';
import type { ImageStore } from './image-store.js';

/**
 * Removes an image's name, unless containers use it. (containerd's own Images.Delete never looks at them.)
 *
 * @throws not-found. failed-precondition: it is in use; the message names the containers.
 */
export async function removeImage(
  images: ImageStore,
  containers: ContainerStore,
  name: string,
  options: { readonly force: boolean; readonly sync: boolean },
): Promise<void> {
  const { target } = await images.get(name);
  if (!options.force) {
    const users = (await containers.list()).filter(({ image }) => image === name).map(({ id }) => id);
    if (users.length > 0) {
      const listed = users.slice(0, 8).join(', ') + (users.length > 8 ? ` and ${users.length - 8} more` : '');
      throw new DaemonError(
        'failed-precondition',
        `image ${name} is used by container ${listed}: delete it first ("ctr delete"), or remove the name with --force`,
      );
    }
  }
  await images.delete(name, { target, sync: options.sync });
}
