import type { Execution } from '../core/execution/execution.js';
import type { Runtime } from '../core/execution/runtime.js';
import type { Remotes } from '../core/remotes/remotes.js';
import { createContainerChanges } from '../core/changes/container-changes.js';
import { createKeptRootfs } from '../core/rootfs/kept-rootfs.js';
import { SandboxController } from '../core/sandboxes/sandbox-controller.js';
import type { Selftest } from '../core/selftest/selftest.js';
import type { ImageArchives } from '../core/transfer/archives.js';
import type { Puller } from '../core/transfer/pull.js';
import type { ImagePusher } from '../core/transfer/push.js';
import { createDiskUsage } from '../core/usage/disk-usage.js';
import { implement, type ServiceName, type ServiceRegistration } from '../rpc/handlers.js';
import { wholeSchema } from '../rpc/whole.js';
import { createAttachService } from '../service/attach.js';
import { createChangesService } from '../service/changes.js';
import { createContainersService } from '../service/containers.js';
import { createContentService } from '../service/content.js';
import { createDiffService } from '../service/diff.js';
import { createDiskUsageService } from '../service/disk-usage.js';
import { createEventsService, type MissedEvents } from '../service/events.js';
import { createExecutionService } from '../service/execution.js';
import { createFsckService } from '../service/fsck.js';
import { createHealthService } from '../service/health.js';
import { createImagesService } from '../service/images.js';
import { createIntrospectionService } from '../service/introspection.js';
import { createJournalService } from '../service/journal.js';
import { createLeasesService } from '../service/leases.js';
import { createLogsService } from '../service/logs.js';
import { createNamespacesService } from '../service/namespaces.js';
import { listPlugins } from '../service/plugins.js';
import { createReflectionService } from '../service/reflection.js';
import { createRemotesService } from '../service/remotes.js';
import { createRootfsService } from '../service/rootfs.js';
import { openServerIdentity } from '../service/server-identity.js';
import { createSandboxControllerService, createSandboxStoreService } from '../service/sandboxes.js';
import { createSelftestService } from '../service/selftest.js';
import { createSnapshotsService } from '../service/snapshots.js';
import { StreamRegistry } from '../service/stream-registry.js';
import { createStreamingService } from '../service/streaming.js';
import { createTasksService } from '../service/tasks.js';
import { createTransferService } from '../service/transfer.js';
import { createVersionService } from '../service/version.js';
import { createWharfdImagesService } from '../service/wharfd-images.js';
import { platformOfNode } from '../spec/platform.js';
import { VERSION } from '../spec/version.js';
import type { Config } from './config.js';
import { openFsck } from './fsck.js';
import type { Stores } from './stores.js';
import type { Volumes } from '../core/volumes/volumes.js';
import type { Copies } from '../core/execution/copies.js';
import { createCopyService } from '../service/copy.js';
import { createVolumesService } from '../service/volumes.js';

/** What the services are made of. */
export interface ServiceParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly runtime: Runtime;
  readonly execution: Execution;
  readonly volumes: Volumes;
  readonly copies: Copies;
  readonly remotes: Remotes;
  readonly puller: Puller;
  readonly pusher: ImagePusher;
  readonly archives: ImageArchives;
  readonly selftest: Selftest;
  /** What happened before the first client was let in. */
  readonly missed: () => MissedEvents | undefined;
}

/** Every service that has handlers. */
export async function createServices(parts: ServiceParts): Promise<readonly ServiceRegistration[]> {
  const { stores, execution, remotes, puller, pusher, archives, runtime, config } = parts;
  const { metadata } = stores;
  const streams = new StreamRegistry();
  const hostPlatform = platformOfNode(process.arch);
  const keptRootfs = createKeptRootfs({
    ...metadata,
    rootfs: stores.rootfs,
    snapshots: stores.snapshots,
    defaultSnapshotter: config.snapshotter,
    objects: () => metadata.disk.objects(),
    collection: metadata.collector,
  });
  const services = [
    implement('containerd.services.content.v1.Content', createContentService(metadata.content)),
    implement('containerd.services.images.v1.Images', createImagesService(metadata.images)),
    implement(
      'containerd.services.containers.v1.Containers',
      createContainersService(metadata.containers, (scope, id) => execution.forget(scope, id)),
    ),
    implement('containerd.services.leases.v1.Leases', createLeasesService(metadata.leases)),
    implement('containerd.services.namespaces.v1.Namespaces', createNamespacesService(metadata.namespaces)),
    implement('containerd.services.events.v1.Events', createEventsService(metadata.journal, parts.missed)),
    implement(
      'containerd.services.snapshots.v1.Snapshots',
      createSnapshotsService(new Map([...metadata.snapshotters, ...metadata.proxied]), () => metadata.collector.run()),
    ),
    implement('containerd.services.diff.v1.Diff', createDiffService(stores)),
    implement('containerd.services.sandbox.v1.Store', createSandboxStoreService(metadata.sandboxes)),
    implement(
      'containerd.services.sandbox.v1.Controller',
      createSandboxControllerService(new SandboxController(metadata.sandboxRuns), hostPlatform),
    ),
    implement('containerd.services.tasks.v1.Tasks', createTasksService(execution.tasks)),
    implement(
      'containerd.services.transfer.v1.Transfer',
      createTransferService({ ...metadata, puller, pusher, archives, streams, hostPlatform }),
    ),
    implement('containerd.services.streaming.v1.Streaming', createStreamingService(streams)),
    implement('containerd.services.version.v1.Version', createVersionService(VERSION, '')),
    implement(
      'wharfd.services.rootfs.v1.RootfsService',
      createRootfsService({ rootfs: keptRootfs, mounted: stores.mounted, differ: stores.differ }),
    ),
    implement(
      'wharfd.services.remotes.v1.RemotesService',
      createRemotesService({ remotes, content: metadata.content, streams }),
    ),
    implement(
      'wharfd.services.diskusage.v1.DiskUsageService',
      createDiskUsageService(createDiskUsage(metadata.disk, metadata.collector)),
    ),
    implement('wharfd.services.fsck.v1.FsckService', createFsckService(openFsck(stores, remotes), streams)),
    implement('wharfd.services.selftest.v1.SelftestService', createSelftestService(parts.selftest)),
    implement('wharfd.services.journal.v1.JournalService', createJournalService(metadata.journal)),
    implement('wharfd.services.attach.v1.AttachService', createAttachService(execution)),
    implement('wharfd.services.logs.v1.LogsService', createLogsService(execution)),
    implement(
      'wharfd.services.changes.v1.ChangesService',
      createChangesService(
        createContainerChanges({
          ...metadata,
          snapshots: stores.snapshots,
          comparer: stores.comparer,
          tasks: execution.tasks,
          platform: hostPlatform,
        }),
      ),
    ),
    implement('wharfd.services.execution.v1.ExecutionService', createExecutionService(execution)),
    implement('wharfd.services.copy.v1.CopyService', createCopyService(parts.copies)),
    implement('wharfd.services.volumes.v1.VolumesService', createVolumesService(parts.volumes)),
    implement(
      'wharfd.services.images.v1.ImagesService',
      createWharfdImagesService({ ...metadata, snapshots: stores.snapshots }),
    ),
  ];
  const all = wholeSchema.services();
  const reflection = createReflectionService(all);
  services.push(
    implement('grpc.health.v1.Health', createHealthService(all)),
    implement('grpc.reflection.v1.ServerReflection', reflection),
    implement('grpc.reflection.v1alpha.ServerReflection', reflection),
  );
  const names: ServiceName[] = [
    ...services.map(({ name }) => name),
    'containerd.services.introspection.v1.Introspection',
  ];
  const plugins = listPlugins({
    platform: hostPlatform,
    content: stores.contentPlugin,
    snapshotters: [
      ...stores.backends.map(({ name, root }) => ({
        ...{ name, exports: { root }, capabilities: stores.mapsOwners.has(name) ? ['remap-ids'] : [] },
      })),
      ...stores.plugins.snapshotters.map(({ name, address }) => ({ name, exports: { address }, capabilities: [] })),
    ],
    services: names,
  });
  const identity = await openServerIdentity(config.root);
  services.push(
    implement(
      'containerd.services.introspection.v1.Introspection',
      createIntrospectionService({ identity, plugins, features: () => runtime.features() }),
    ),
  );
  return services;
}
