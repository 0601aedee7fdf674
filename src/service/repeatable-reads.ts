/** Methods whose replies depend on nothing but what the stores keep under a topic, by topic (see RpcServerOptions.repeatable). */
export const REPEATABLE_READS = {
  documents: [
    '/containerd.services.content.v1.Content/Info',
    '/containerd.services.content.v1.Content/Read',
    '/containerd.services.images.v1.Images/Get',
    '/containerd.services.namespaces.v1.Namespaces/Get',
  ],
  containers: ['/containerd.services.containers.v1.Containers/Get'],
  snapshots: ['/containerd.services.snapshots.v1.Snapshots/Mounts'],
} as const;

/** What is read, as far as it changes together. */
export type ReadTopic = keyof typeof REPEATABLE_READS;
