import { createBlobRepair } from '../core/fsck/blob-repair.js';
import { createFsck, type Fsck } from '../core/fsck/fsck.js';
import { createLayerRepair } from '../core/fsck/layer-repair.js';
import type { Remotes } from '../core/remotes/remotes.js';
import type { Digest } from '../spec/digest.js';
import type { Stores } from './stores.js';

/** Puts the check of the stores together. */
export function openFsck(stores: Stores, remotes: Remotes): Fsck {
  const { metadata, blobs, blobFiles, backends, pool, layered, workshopOf } = stores;
  const { content, leases, images, namespaces, layers } = metadata;
  const remove = async (digest: Digest) => {
    await blobs.remove(digest);
    metadata.documentsChanged();
  };
  return createFsck({
    ...{ content, namespaces, layers, backends, pool },
    blobRepair: createBlobRepair({ content, leases, blobs: { remove }, remotes }),
    layerRepair: createLayerRepair({ content, blobFiles, images, snapshots: layered, layers, workshopOf }),
  });
}
