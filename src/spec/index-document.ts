import type { Descriptor } from './descriptor.js';
import { openDocument, readDescriptor, readDescriptors } from './document.js';

/** A list of manifests, by platform (OCI image-spec image-index.md; Docker manifest list). */
export interface Index {
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @param mediaType As the descriptor has it. @throws invalid-argument: no index, or one that could be read in two ways. */
export function parseIndex(bytes: Uint8Array, mediaType: string, what = 'index'): Index {
  const fields = openDocument(bytes, mediaType, what, ['config', 'layers', 'fsLayers', 'history']);
  const subject = fields.object('subject');
  const artifactType = fields.optionalText('artifactType');
  const annotations = fields.textMap('annotations');
  return {
    manifests: readDescriptors(fields, 'manifests'),
    ...(artifactType !== undefined && artifactType !== '' && { artifactType }),
    ...(subject && { subject: readDescriptor(subject) }),
    ...(annotations && { annotations }),
  };
}
