import { toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.images.v1.ImagesService';

/** An image as a list shows it. Sizes are bytes. */
export interface ImageSummary {
  readonly name: string;
  readonly mediaType: string;
  readonly digest: string;
  /** What a push would send. */
  readonly packedSize: number;
  /** On disk; 0 when it is not unpacked. */
  readonly unpackedSize: number;
  /** `os/arch[/variant]` of those that are here whole. */
  readonly platforms: readonly string[];
  readonly createdAt: Date | undefined;
  /** Why the sizes are missing; empty when they are not. */
  readonly sizeError: string;
}

/** All images of the namespace, ordered by name. */
export async function* listImages(session: Session, signal?: AbortSignal): AsyncIterable<ImageSummary> {
  for await (const { images } of session.service(SERVICE).list({}, signal ? { signal } : {})) {
    for (const image of images) {
      yield {
        name: image.name,
        mediaType: image.target?.media_type ?? '',
        digest: image.target?.digest ?? '',
        packedSize: toSafeNumber(image.packed_size),
        unpackedSize: toSafeNumber(image.unpacked_size),
        platforms: image.platforms.map(({ os, architecture, variant }) =>
          [os, architecture, variant].filter(Boolean).join('/'),
        ),
        createdAt: dateOfTimestamp(image.created_at),
        sizeError: image.size_error,
      };
    }
  }
}

/**
 * Removes the name of an image.
 *
 * @throws not-found. failed-precondition: containers use it and `force` is not given; the message names them.
 */
export async function removeImage(
  session: Session,
  request: { readonly name: string; readonly force?: boolean; readonly sync?: boolean },
  signal?: AbortSignal,
): Promise<void> {
  await session.service(SERVICE).remove(request, signal ? { signal } : {});
}
