import type { MadeLayer } from '../diff/comparer.js';
import { childLabels } from '../images/handlers/child-labels.js';
import { readDocument, type ContentProvider } from '../images/handlers/children.js';
import type { StoredImage } from '../images/handlers/image-manifest.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { digestOf } from '../../spec/digest.js';
import type { Labels } from '../../spec/labels.js';
import { MEDIA_TYPES, packingOf } from '../../spec/media-types.js';
import type { Platform } from '../../spec/platform.js';

/** A document to be stored. */
export interface NewDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly labels: Labels;
}

/** What the history says of the new layer. */
export interface CommitStep {
  readonly created: Date;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
}

const LAYER_TYPES = {
  none: MEDIA_TYPES.ociLayer,
  gzip: MEDIA_TYPES.ociLayerGzip,
  zstd: MEDIA_TYPES.ociLayerZstd,
} as const;

/**
 * Config and manifest of an image with one more layer (OCI image-spec, config.md and manifest.md). What the image's config has besides stays
 * as it is.
 */
export async function documentsOf(
  content: ContentProvider,
  base: StoredImage | undefined,
  layer: MadeLayer,
  step: CommitStep,
  platform: Platform,
): Promise<{ readonly config: NewDocument; readonly manifest: NewDocument }> {
  const before = base
    ? (JSON.parse((await readDocument(content, base.manifest.config)).toString()) as Record<string, unknown>)
    : { architecture: platform.architecture, os: platform.os, ...(platform.variant && { variant: platform.variant }) };
  const created = step.created.toISOString();
  const config = document(MEDIA_TYPES.ociConfig, {
    ...before,
    created,
    ...(step.author !== '' && { author: step.author }),
    rootfs: { type: 'layers', diff_ids: [...(base?.config.diffIds ?? []), layer.diffId] },
    history: [...historyOf(base, before), historyStep(step, created)],
  });
  const layers = [...(base?.manifest.layers ?? []).map(asOci), layer.descriptor];
  const manifest = document(
    MEDIA_TYPES.ociManifest,
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: plain(config.descriptor),
      layers: layers.map(plain),
    },
    childLabels([config.descriptor, ...layers]),
  );
  return { config, manifest };
}

/** As many steps with a layer as there are layers, where the image does not tell of all. */
function historyOf(base: StoredImage | undefined, before: Record<string, unknown>): unknown[] {
  const told = Array.isArray(before['history']) ? (before['history'] as unknown[]) : [];
  const { diffIds = [], history = [] } = base?.config ?? {};
  const missing = diffIds.length - history.filter(({ emptyLayer }) => !emptyLayer).length;
  return [...Array.from({ length: Math.max(missing, 0) }, () => ({})), ...told];
}

function historyStep({ createdBy, author, comment }: CommitStep, created: string): object {
  return {
    created,
    created_by: createdBy,
    ...(author !== '' && { author }),
    ...(comment !== '' && { comment }),
  };
}

function asOci(layer: Descriptor): Descriptor {
  const packing = packingOf(layer.mediaType);
  const foreign = (layer.urls?.length ?? 0) > 0 || /foreign|nondistributable/.test(layer.mediaType);
  return packing === undefined || foreign ? layer : { ...layer, mediaType: LAYER_TYPES[packing] };
}

/** The fields in the order in which they are usually written. */
function plain({ mediaType, digest, size, annotations, urls }: Descriptor): object {
  return { mediaType, digest, size, ...(urls && { urls }), ...(annotations && { annotations }) };
}

function document(mediaType: string, value: object, labels: Labels = {}): NewDocument {
  const bytes = Buffer.from(JSON.stringify(value));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes, labels };
}
