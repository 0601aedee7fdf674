import { DaemonError } from '../base/errors.js';
import type { Image, ImageStore } from '../core/images/image-store.js';
import type { Incoming } from '../rpc/handlers.js';
import type { Descriptor } from '../spec/descriptor.js';
import { annotatedName } from '../spec/image-names.js';

/** A name in the image store, or a rule for names, as a transfer has it. */
export type WireStore = Incoming<'containerd.types.transfer.ImageStore'>;

/** The names that a pulled or tagged image gets; rules for names in archives do not count. @throws not-found: none. */
export function wholeNames(store: WireStore): string[] {
  if (store.all_metadata) {
    throw new DaemonError('unimplemented', 'all_metadata: not implemented; fetch the platforms you need');
  }
  const extra = store.extra_references.filter((reference) => !reference.is_prefix);
  const derived = extra.find((reference) => reference.add_digest);
  if (derived)
    throw new DaemonError('unimplemented', `extra reference ${derived.name}: names with a digest are not implemented`);
  const names = [store.name, ...extra.map(({ name }) => name)].filter((name) => name !== '');
  if (names.length === 0) throw new DaemonError('not-found', 'no image name found: not found');
  return names;
}

/** The names that images of an archive get: the index over them whole names, the others names by prefix and annotation. */
export function archiveNames(store: WireStore): (target: Descriptor, whole: boolean) => readonly string[] {
  const rules = store.extra_references.filter((reference) => reference.is_prefix);
  return ({ digest, annotations }, whole) => {
    if (whole) {
      const extra = store.extra_references.filter((reference) => !reference.is_prefix);
      const names = extra.map(({ name, add_digest }) => (add_digest ? `${name}@${digest}` : name));
      return store.name === '' ? names : [store.name, ...names];
    }
    return rules.flatMap((rule) => {
      const named = annotatedName(annotations, { prefix: rule.name, anyName: rule.allow_overwrite });
      const digested = rule.add_digest && (named === undefined || !rule.skip_named_digest);
      return [...(named === undefined ? [] : [named]), ...(digested ? [`${rule.name}@${digest}`] : [])];
    });
  };
}

/** The images that a store names as a source. @throws not-found. unimplemented: by a prefix. */
export async function lookedUp(store: WireStore, images: ImageStore): Promise<Image[]> {
  const prefix = store.extra_references.find((reference) => reference.is_prefix);
  if (prefix) throw new DaemonError('unimplemented', 'prefix lookup on export not implemented: not implemented');
  const names = [store.name, ...store.extra_references.map(({ name }) => name)].filter((name) => name !== '');
  return await Promise.all(names.map((name) => images.get(name)));
}
