/** Media types of OCI image-spec (media-types.md) and of Docker's schema 2, and what they say. */
export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

/** What a blob is, whatever its packing. */
export type MediaKind = 'index' | 'manifest' | 'config' | 'layer' | 'other';

const KINDS: Readonly<Record<string, MediaKind>> = {
  [MEDIA_TYPES.ociIndex]: 'index',
  [MEDIA_TYPES.dockerList]: 'index',
  [MEDIA_TYPES.ociManifest]: 'manifest',
  [MEDIA_TYPES.dockerManifest]: 'manifest',
  [MEDIA_TYPES.ociConfig]: 'config',
  [MEDIA_TYPES.dockerConfig]: 'config',
};

const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[+.](gzip|zstd))?$/;

/** Says what a media type stands for; parameters behind `;` do not count. */
export function kindOfMedia(mediaType: string): MediaKind {
  const bare = bareMediaType(mediaType);
  return KINDS[bare] ?? (LAYER.test(bare) ? 'layer' : 'other');
}

/** How a layer is packed by its media type; undefined for what is no layer. */
export function packingOf(mediaType: string): 'none' | 'gzip' | 'zstd' | undefined {
  const match = LAYER.exec(bareMediaType(mediaType));
  return match ? ((match[1] as 'gzip' | 'zstd' | undefined) ?? 'none') : undefined;
}

/** The media type without parameters and in lower case. */
export function bareMediaType(mediaType: string): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
