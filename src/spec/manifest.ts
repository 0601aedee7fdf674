import type { Descriptor } from './descriptor.js';
import { openDocument, readDescriptor, readDescriptors } from './document.js';

/** One platform's image, or an artifact (OCI image-spec manifest.md; Docker image manifest V2 schema 2). */
export interface Manifest {
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  /** What this is about, for signatures and the like. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @param mediaType As the descriptor has it. @throws invalid-argument: no manifest, or one that could be read in two ways. */
export function parseManifest(bytes: Uint8Array, mediaType: string, what = 'manifest'): Manifest {
  const fields = openDocument(bytes, mediaType, what, ['manifests', 'fsLayers', 'history']);
  const config = fields.object('config') ?? fields.fail('has no config');
  const subject = fields.object('subject');
  const artifactType = fields.optionalText('artifactType');
  const annotations = fields.textMap('annotations');
  return {
    config: readDescriptor(config),
    layers: readDescriptors(fields, 'layers'),
    ...(artifactType !== undefined && artifactType !== '' && { artifactType }),
    ...(subject && { subject: readDescriptor(subject) }),
    ...(annotations && { annotations }),
  };
}
