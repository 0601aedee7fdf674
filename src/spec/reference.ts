import { DaemonError } from '../base/errors.js';
import { isDigest, type Digest } from './digest.js';

/**
 * A name taken apart, without any opinion on what it should look like: `locator[:tag][@digest]`, where the locator is
 * `host[:port]/path`. Names themselves are opaque to the core and are kept as they were given.
 */
export interface Reference {
  /** Host and path. */
  readonly locator: string;
  /** What follows: `tag`, `@digest` or `tag@digest`. */
  readonly object: string;
}

const AUTHORITY_AND_PATH = /^([^/?#]*)(\/[^?#]*)?(?:[?#].*)?$/s;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:@[\]\\%]*)(?::\d*)?$/u;

/**
 * Takes a name apart at the first `:` or `@` of its path; a query is dropped.
 *
 * @throws invalid-argument: a scheme in front, no host, no object, or characters that no name has.
 */
export function parseReference(text: string): Reference {
  const quoted = JSON.stringify(text.slice(0, 256));
  if (text.includes('://')) throw invalid(`reference ${quoted} must not begin with a scheme such as http://`);
  // eslint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u0020\u007f]/.test(text)) throw invalid(`reference ${quoted} has a space or a control character in it`);
  const [, host = '', path = ''] = AUTHORITY_AND_PATH.exec(text) ?? [];
  if (host === '') throw invalid(`reference ${quoted}: hostname required, such as docker.io/library/redis:latest`);
  if (!HOST.test(host)) throw invalid(`reference ${quoted} has no proper host before the first slash`);
  const at = path.search(/[:@]/);
  const object = at < 0 ? '' : path.slice(path[at] === ':' ? at + 1 : at);
  if (object === '' || object === '@') {
    throw invalid(`reference ${quoted}: object required, a :tag or an @digest at its end`);
  }
  return { locator: cleanPath(host + path.slice(0, at)), object };
}

/** The name that a reference stands for; parsing it gives the same reference. */
export function formatReference({ locator, object }: Reference): string {
  return object.startsWith('@') ? locator + object : `${locator}:${object}`;
}

/** Host and port: the locator up to its first slash. */
export function hostOf({ locator }: Reference): string {
  return locator.split('/', 1)[0] ?? '';
}

/** What is behind the host; empty for a host alone. */
export function pathOf({ locator }: Reference): string {
  const slash = locator.indexOf('/');
  return slash < 0 ? '' : locator.slice(slash + 1);
}

/** The object without its digest; empty when only a digest is there. */
export function tagOf({ object }: Reference): string {
  return object.split('@', 1)[0] ?? '';
}

/** What is after the `@`, as typed: it may be cut short or no digest at all; empty when there is none. */
export function digestTextOf({ object }: Reference): string {
  const at = object.indexOf('@');
  return at < 0 ? '' : object.slice(at + 1);
}

/** The digest that the reference is pinned to. @throws invalid-argument: something else than a whole digest is after the `@`. */
export function pinnedDigestOf(reference: Reference): Digest | undefined {
  const text = digestTextOf(reference);
  if (text === '' && !reference.object.includes('@')) return undefined;
  if (isDigest(text)) return text;
  throw invalid(
    `reference ${formatReference(reference)} is pinned to ${JSON.stringify(text)}, which is no whole digest`,
  );
}

function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.length > 1) parts.pop();
    } else parts.push(part);
  }
  return parts.join('/');
}

function invalid(message: string): DaemonError {
  return new DaemonError('invalid-argument', message);
}
