import { join } from 'node:path';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import { remoteContainers } from '../../src/remote/containers.js';
import { remoteContent } from '../../src/remote/content.js';
import { remoteImages } from '../../src/remote/images.js';
import { remoteLeases } from '../../src/remote/leases.js';
import { remoteNamespaces } from '../../src/remote/namespaces.js';
import { remoteSnapshots } from '../../src/remote/snapshots.js';
import { Channel } from '../../src/rpc/channel.js';
import { implement, type ServiceRegistration } from '../../src/rpc/handlers.js';
import { RpcServer } from '../../src/rpc/server.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { createContainersService } from '../../src/service/containers.js';
import { createContentService } from '../../src/service/content.js';
import { createEventsService } from '../../src/service/events.js';
import { createImagesService } from '../../src/service/images.js';
import { createJournalService } from '../../src/service/journal.js';
import { createLeasesService } from '../../src/service/leases.js';
import { createNamespacesService } from '../../src/service/namespaces.js';
import { REPEATABLE_READS } from '../../src/service/repeatable-reads.js';
import { createSnapshotsService } from '../../src/service/snapshots.js';
import type { MetadataOptions } from '../../src/drivers/metadata-sqlite/metadata.js';
import { openLocalStores, type LocalStores, type Stores } from './stores.js';

export interface SocketStores extends Stores {
  readonly channel: Channel;
  /** What lies behind the socket. */
  readonly local: LocalStores;
}

/**
 * The stores on disk behind a server on a socket, as a client of that socket sees them.
 *
 * @param onCall Hears of each call that a handler is asked for.
 */
export function openSocketStores(
  root: string,
  options: Partial<MetadataOptions> = {},
  onCall?: () => void,
): Promise<SocketStores> {
  return Teardown.build(async (down) => {
    const local = down.own(await openLocalStores(root, options));
    const server = new RpcServer({
      schema: wholeSchema,
      services: servicesOf(local),
      log: SILENT,
      repeatable: REPEATABLE_READS,
      ...(onCall && { onCall }),
    });
    local.metadata.onChange((topic) => {
      server.forget(topic);
    });
    const address = join(root, 'test.sock');
    await server.listen({ path: address });
    down.add(() => server.close());
    const channel = down.own(new Channel({ address, schema: wholeSchema }));
    return {
      content: remoteContent(channel),
      images: remoteImages(channel),
      containers: remoteContainers(channel),
      leases: remoteLeases(channel),
      snapshots: remoteSnapshots(channel, local.backend.name),
      namespaces: remoteNamespaces(channel),
      channel,
      local,
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

function servicesOf({ metadata }: LocalStores): ServiceRegistration[] {
  return [
    implement('containerd.services.content.v1.Content', createContentService(metadata.content)),
    implement('containerd.services.images.v1.Images', createImagesService(metadata.images)),
    implement(
      'containerd.services.containers.v1.Containers',
      createContainersService(metadata.containers, (scope, id) => metadata.containers(scope).delete(id)),
    ),
    implement('containerd.services.leases.v1.Leases', createLeasesService(metadata.leases)),
    implement('containerd.services.namespaces.v1.Namespaces', createNamespacesService(metadata.namespaces)),
    implement('wharfd.services.journal.v1.JournalService', createJournalService(metadata.journal)),
    implement('containerd.services.events.v1.Events', createEventsService(metadata.journal)),
    implement(
      'containerd.services.snapshots.v1.Snapshots',
      createSnapshotsService(metadata.snapshotters, () => metadata.collector.run()),
    ),
  ];
}
