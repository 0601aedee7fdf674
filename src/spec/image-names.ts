import { canonicalName } from './familiar-name.js';
import { formatReference, parseReference } from './reference.js';

/** Annotations of an index entry that tell what the image is called (containerd's own; OCI image-spec annotations.md). */
export const NAME_ANNOTATIONS = {
  image: 'io.containerd.image.name',
  reference: 'org.opencontainers.image.ref.name',
} as const;

/** How an image in an archive is called when it gets a name from a prefix. */
export interface PrefixRule {
  /** Name without tag or digest. */
  readonly prefix: string;
  /** Whole names in the archive count even where they don't begin with the prefix. */
  readonly anyName: boolean;
}

/** The annotations that an archive has for an image of this name. */
export function nameAnnotations(name: string): Readonly<Record<string, string>> {
  return { [NAME_ANNOTATIONS.image]: name, [NAME_ANNOTATIONS.reference]: objectOf(name) };
}

function objectOf(name: string): string {
  try {
    return parseReference(name).object;
  } catch {
    return name;
  }
}

/** Annotations of an image whose name `docker save` wrote, such as `redis:7`. @throws invalid-argument: no name. */
export function annotationsOfRepoTag(tag: string): Readonly<Record<string, string>> {
  return nameAnnotations(canonicalName(tag));
}

/** The name as Docker's users write it: without `docker.io/library/` and the like; undefined where Docker knows no such name. */
export function familiarName(name: string): string | undefined {
  try {
    const whole = canonicalName(formatReference(parseReference(name)));
    return whole.replace(/^docker\.io\/(library\/)?/, '');
  } catch {
    return undefined;
  }
}

/** The name that an image's annotations give it under a rule; undefined for none (containerd's transfer service). */
export function annotatedName(
  annotations: Readonly<Record<string, string>> | undefined,
  rule: PrefixRule,
): string | undefined {
  const whole = annotations?.[NAME_ANNOTATIONS.image];
  if (whole !== undefined && whole !== '') return translated(whole, rule) === whole ? whole : undefined;
  const tag = annotations?.[NAME_ANNOTATIONS.reference];
  return tag === undefined || tag === '' ? undefined : translated(tag, rule);
}

function translated(name: string, { prefix, anyName }: PrefixRule): string | undefined {
  if (prefix === '') return undefined;
  if (!/[/:@]/.test(name)) return `${prefix}:${name}`;
  if (anyName || isBelow(name, prefix)) return name;
  return isBelow(name.slice(name.lastIndexOf('/') + 1), prefix) ? name : undefined;
}

function isBelow(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && (name.length === prefix.length || '/:@'.includes(name.charAt(prefix.length)));
}
