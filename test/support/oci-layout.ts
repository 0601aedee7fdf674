import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../src/spec/digest.js';
import type { Image } from './image.js';
import { output } from './run.js';

/** Writes an OCI layout (image-spec, image-layout.md) that holds `image` under the name `tag`. */
export async function writeLayout(dir: string, image: Image, tag = 'latest'): Promise<void> {
  const blobs = join(dir, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const put = (digest: Digest, bytes: Uint8Array): Promise<void> =>
    writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
  for (const [digest, bytes] of image.blobs) await put(digest, bytes);
  for (const { descriptor, bytes } of image.manifests) await put(descriptor.digest, bytes);
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const named = { ...image.target, annotations: { 'org.opencontainers.image.ref.name': tag } };
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
}

/** Copies the image `tag` of a layout to `reference` on a registry that speaks plain http, with skopeo. */
export async function skopeoPush(layout: string, reference: string, tag = 'latest'): Promise<void> {
  const options = ['--insecure-policy', 'copy', '--quiet', '--all', '--dest-tls-verify=false'];
  await output('skopeo', [...options, `oci:${layout}:${tag}`, `docker://${reference}`]);
}
