import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import { LABEL_BYTES_MAX, LABELS, type Labels } from '../../spec/labels.js';
import { hostOf, parseReference, pathOf } from '../../spec/reference.js';
import type { ContentStore } from '../content/content-store.js';
import { effect, type Handler } from '../images/handlers/handler.js';

/** Says from where content came, so that a push to the same registry can mount it: `….distribution.source.<host>` = repositories. */
export function sourceLabels(name: string): Labels {
  const reference = nameParts(name);
  return reference === undefined ? {} : { [reference.key]: reference.path };
}

/** Repositories of `host` that content came from, or went to. */
export function sourceRepositories(labels: Labels, host: string): string[] {
  return (labels[`${LABELS.distributionSource}.${host}`] ?? '').split(',').filter(Boolean);
}

/** Adds the repository to the label of content that may have come from others before. */
export function labelSource(content: Pick<ContentStore, 'info' | 'update'>, name: string): Handler {
  const source = nameParts(name);
  return effect(async ({ digest }) => {
    if (source === undefined) return;
    // A layer that its snapshotter has by itself was not brought.
    const labels = (await content.info(digest).catch(undefinedIfMissing))?.labels;
    if (labels === undefined) return;
    const known = (labels[source.key] ?? '').split(',').filter(Boolean);
    if (known.includes(source.path)) return;
    const value = [...known, source.path].sort().join(',');
    if (Buffer.byteLength(source.key + value) > LABEL_BYTES_MAX) return;
    await content.update(digest, { [source.key]: value }, [`labels.${source.key}`]);
  });
}

function nameParts(name: string): { readonly key: string; readonly path: string } | undefined {
  try {
    const reference = parseReference(name);
    return { key: `${LABELS.distributionSource}.${hostOf(reference)}`, path: pathOf(reference) };
  } catch (error) {
    // Names are opaque: a resolver may take some that are no references, and then there is no source to tell.
    if (error instanceof DaemonError) return undefined;
    throw error;
  }
}
