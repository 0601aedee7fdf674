import { spawnSync } from 'node:child_process';
import { constants, gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { type Digest, digestOf } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import type { Platform } from '../../src/spec/platform.js';

/** A member of a layer's tar. Numbers not given are 0; `mode` defaults to 0755 for folders and 0644 otherwise. */
export interface Entry {
  readonly path: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device';
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970; default 1,000,000,000. */
  readonly mtime?: number;
  /** Content of a file. */
  readonly data?: string | Uint8Array;
  /** Target of a symlink or link. */
  readonly target?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes, written as SCHILY.xattr records. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** Further PAX records. */
  readonly pax?: Readonly<Record<string, string>>;
}

export type Packing = 'none' | 'gzip' | 'zstd';

/** A layer as it is stored, and the digest of its tar. */
export interface Layer {
  readonly bytes: Buffer;
  readonly packing: Packing;
  readonly diffId: Digest;
}

/** Something to store under a name: blobs by digest, manifests with the children first, the target last. */
export interface Image {
  readonly target: Descriptor;
  readonly manifests: readonly { readonly descriptor: Descriptor; readonly bytes: Buffer }[];
  readonly blobs: ReadonlyMap<Digest, Buffer>;
}

/** What goes into an image's config as `config`; see OCI image-spec, config.md. */
export interface ImageSettings {
  readonly Healthcheck?: object;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface ImageOptions {
  readonly layers: readonly Layer[];
  readonly settings?: ImageSettings;
  /** Default: linux on this machine's architecture. */
  readonly platform?: Platform;
  /** Default `oci`. */
  readonly format?: 'oci' | 'docker';
  /** Replaces what the config says of its layers, for images that lie. */
  readonly diffIds?: readonly string[];
  /** Of the config; one step a layer when missing. */
  readonly history?: readonly object[];
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The platform that this machine's images have. */
export const HOST_PLATFORM: Platform = {
  os: 'linux',
  architecture: ARCHITECTURES[process.arch] ?? process.arch,
};

/** Writes a tar of `entries`, in their order. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '');
    if ((entry.type ?? 'file') === 'file') tar.entry({ ...headerOf(entry), size: data.length }, data);
    else tar.entry(headerOf(entry));
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function headerOf(entry: Entry): Partial<Header> & Pick<Header, 'name'> {
  const type = entry.type ?? 'file';
  const isFolder = type === 'directory';
  const records = paxOf(entry);
  return {
    name: isFolder && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path,
    type,
    mode: entry.mode ?? (isFolder ? 0o755 : 0o644),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: new Date((entry.mtime ?? 1_000_000_000) * 1000),
    ...(entry.target === undefined ? {} : { linkname: entry.target }),
    ...(entry.device ? { devmajor: entry.device.major, devminor: entry.device.minor } : {}),
    ...(records.length === 0 ? {} : { pax: Object.fromEntries(records) }),
  };
}

function paxOf({ xattrs = {}, pax = {}, uid = 0, gid = 0 }: Entry): (readonly [string, string])[] {
  // The header's octal field ends at 0777777, and tar-stream writes that instead.
  const owners = Object.entries({ uid, gid }).filter(([, id]) => id > 0o777777);
  return [
    ...owners.map(([name, id]) => [name, String(id)] as const),
    ...Object.entries(xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, value] as const),
    ...Object.entries(pax),
  ];
}

/** Packs a tar into a layer. */
export function layerOf(tar: Uint8Array, packing: Packing = 'gzip'): Layer {
  return { bytes: packed(tar, packing), packing, diffId: digestOf(tar) };
}

/** A layer of these members. */
export async function makeLayer(entries: readonly Entry[], packing?: Packing): Promise<Layer> {
  return layerOf(await tarOf(entries), packing);
}

/** One platform's image: config, layers and the manifest over them. */
export function makeImage(options: ImageOptions): Image {
  const { layers, settings = {}, platform = HOST_PLATFORM, format = 'oci' } = options;
  const types = TYPES[format];
  const config = {
    created: '2001-09-09T01:46:40Z',
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    config: settings,
    rootfs: { type: 'layers', diff_ids: options.diffIds ?? layers.map((layer) => layer.diffId) },
    history: options.history ?? layers.map(() => ({ created: '2001-09-09T01:46:40Z', created_by: 'test' })),
  };
  const configBlob = jsonBlob(types.config, config);
  const layerBlobs = layers.map((layer) => blob(types.layer[layer.packing], layer.bytes));
  const manifest = jsonBlob(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: configBlob.descriptor,
    layers: layerBlobs.map(({ descriptor }) => descriptor),
  });
  const target = { ...manifest.descriptor, platform };
  return {
    target,
    manifests: [{ descriptor: target, bytes: manifest.bytes }],
    blobs: new Map([...layerBlobs, configBlob].map(({ descriptor, bytes }) => [descriptor.digest, bytes])),
  };
}

/** An index (OCI) or manifest list (Docker) over images of several platforms, in this order. */
export function makeIndex(images: readonly Image[], format: 'oci' | 'docker' = 'oci'): Image {
  const mediaType = TYPES[format].index;
  const index = jsonBlob(mediaType, { schemaVersion: 2, mediaType, manifests: images.map((image) => image.target) });
  return {
    target: index.descriptor,
    manifests: [...images.flatMap((image) => image.manifests), index],
    blobs: new Map(images.flatMap((image) => [...image.blobs])),
  };
}

const TYPES = {
  oci: {
    index: MEDIA_TYPES.ociIndex,
    manifest: MEDIA_TYPES.ociManifest,
    config: MEDIA_TYPES.ociConfig,
    layer: { none: MEDIA_TYPES.ociLayer, gzip: MEDIA_TYPES.ociLayerGzip, zstd: MEDIA_TYPES.ociLayerZstd },
  },
  docker: {
    index: MEDIA_TYPES.dockerList,
    manifest: MEDIA_TYPES.dockerManifest,
    config: MEDIA_TYPES.dockerConfig,
    layer: { none: MEDIA_TYPES.dockerLayer, gzip: MEDIA_TYPES.dockerLayerGzip, zstd: MEDIA_TYPES.dockerLayerZstd },
  },
} as const;

interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function packed(tar: Uint8Array, packing: Packing): Buffer {
  if (packing === 'gzip') return gzipSync(tar, { level: constants.Z_BEST_SPEED });
  if (packing === 'none') return Buffer.from(tar);
  const zstd = spawnSync('zstd', ['-q', '-c', '-'], { input: tar, maxBuffer: 1 << 30 });
  if (zstd.status !== 0) throw new Error(`zstd: ${zstd.error?.message ?? zstd.stderr.toString()}`);
  return zstd.stdout;
}

/** An artifact that is no image: an empty config, one blob of any kind, and what it refers to. */
export function makeArtifact(
  artifactType: string,
  content: string,
  subject?: Descriptor,
  dataType = 'application/vnd.example.data',
): Image {
  const config = jsonBlob('application/vnd.oci.empty.v1+json', {});
  const data = blob(dataType, Buffer.from(content));
  const manifest = jsonBlob(TYPES.oci.manifest, {
    schemaVersion: 2,
    mediaType: TYPES.oci.manifest,
    artifactType,
    config: config.descriptor,
    layers: [data.descriptor],
    ...(subject && { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    annotations: { 'org.example.of': content.slice(0, 100) },
  });
  return {
    target: manifest.descriptor,
    manifests: [manifest],
    blobs: new Map([config, data].map(({ descriptor, bytes }) => [descriptor.digest, bytes])),
  };
}
