/** Methods that read images, blobs and the labels of namespaces, and whose replies depend on nothing else (see RpcServerOptions.repeatable). */
export const DOCUMENT_READS: readonly string[] = [
  '/containerd.services.content.v1.Content/Info',
  '/containerd.services.content.v1.Content/Read',
  '/containerd.services.images.v1.Images/Get',
  '/containerd.services.namespaces.v1.Namespaces/Get',
];
