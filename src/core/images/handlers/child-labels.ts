import type { Descriptor } from '../../../spec/descriptor.js';
import { LABELS, type Labels } from '../../../spec/labels.js';
import { kindOfMedia } from '../../../spec/media-types.js';
import type { Digest } from '../../../spec/digest.js';
import { mapChildren, type Handler } from './handler.js';

/** Where labels are set. */
export interface LabelStore {
  /** Sets those that `fieldPaths` name (`labels.<key>`). */
  update(digest: Digest, labels: Labels, fieldPaths: readonly string[]): Promise<unknown>;
}

/** Writes onto each stored parent which content it keeps from collection. Must wrap the handler that finds all children, before any filter. */
export function labelChildren(content: LabelStore, handler: Handler): Handler {
  return mapChildren(handler, async (children, target) => {
    const labels = childLabels(children);
    if (children.length > 0) {
      await content.update(
        target.digest,
        labels,
        Object.keys(labels).map((key) => `labels.${key}`),
      );
    }
    return children;
  });
}

/** The labels as containerd sets them: `….config`, `….m.0` for manifests, `….l.0` for layers, `….0` for anything else. */
export function childLabels(children: readonly Descriptor[]): Record<string, string> {
  const counts = new Map<string, number>();
  const labels: Record<string, string> = {};
  for (const { mediaType, digest } of children) {
    const suffix = suffixOf(mediaType);
    const count = counts.get(suffix) ?? 0;
    counts.set(suffix, count + 1);
    const numbered = suffix.endsWith('.') || count > 0;
    labels[`${LABELS.gcRefContent}${suffix}${numbered ? count : ''}`] = digest;
  }
  return labels;
}

function suffixOf(mediaType: string): string {
  switch (kindOfMedia(mediaType)) {
    case 'config':
      return '.config';
    case 'manifest':
      return '.m.';
    case 'layer':
      return '.l.';
    default:
      return '.';
  }
}
