import { toWirePlatform } from './platforms.js';
import type { Platform } from '../spec/platform.js';
import type { TransferProgress } from './progress-stream.js';
import { withAccess, type RegistryAccess } from './registry-access.js';
import type { Session } from './session.js';
import { transfer } from './transfer.js';

export interface PushOptions extends RegistryAccess {
  /** Its manifest alone is pushed, under the reference; all that the image has when missing. */
  readonly platform?: Platform | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Uploads an image to a registry.
 *
 * @param image Name of the image; @param reference what it is called at the registry.
 */
export async function pushImage(
  session: Session,
  image: string,
  reference: string,
  options: PushOptions = {},
): Promise<void> {
  const { platform, signal } = options;
  const source = session.messages.pack('containerd.types.transfer.ImageStore', {
    name: image,
    platforms: platform ? [toWirePlatform(platform)] : [],
  });
  await withAccess(session, options, signal, async (resolver) => {
    const destination = session.messages.pack('containerd.types.transfer.OCIRegistry', { reference, resolver });
    await transfer(session, source, destination, options);
  });
}

/** Gives an image another name, which then stands for what the first one stands for now. */
export async function tagImage(session: Session, image: string, name: string, signal?: AbortSignal): Promise<void> {
  const source = session.messages.pack('containerd.types.transfer.ImageStore', { name: image });
  const destination = session.messages.pack('containerd.types.transfer.ImageStore', { name });
  await transfer(session, source, destination, { signal });
}
