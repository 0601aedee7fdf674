import { DaemonError } from '../base/errors.js';
import { placeOf } from './place-name.js';

const DEFAULT_DOMAIN = 'docker.io';
const OFFICIAL = 'library';
const DEFAULT_TAG = 'latest';

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const DOMAIN =
  /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::\d{1,5})?$/;
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-f]{32,}$/;
const REPOSITORY_BYTES_MAX = 255;

/** True for the path of a repository in a registry: lower-case components with single separators (OCI distribution-spec). */
export function isRepositoryPath(path: string): boolean {
  return path.length <= REPOSITORY_BYTES_MAX && REPOSITORY.test(path);
}

/** True for a tag by the grammar of the OCI distribution-spec. */
export function isTag(tag: string): boolean {
  return TAG.test(tag);
}

/**
 * The whole name that people mean when they type a short one, for command lines only: `redis` is docker.io/library/redis:latest.
 * A place on this machine (`oci:/path:tag`) is meant as it is typed. What is in front of the first slash is a host if it has a dot, a colon or an upper-case letter in it, or is `localhost`.
 *
 * @throws invalid-argument: the name breaks the grammar of repositories, tags or digests; the message says where.
 */
export function canonicalName(typed: string): string {
  if (placeOf(typed)) return typed;
  if (typed.includes('://'))
    throw refused(typed, 'must not begin with a scheme; leave out all up to and including ://');
  if (/^[0-9a-f]{64}$/.test(typed)) throw refused(typed, 'is a bare digest; write repository@sha256:… instead');
  const name = split(typed);
  const fault = faultIn(name);
  if (fault !== undefined) throw refused(typed, fault);
  const tag = name.tag ?? (name.digest === undefined ? DEFAULT_TAG : undefined);
  const suffix = (tag === undefined ? '' : `:${tag}`) + (name.digest === undefined ? '' : `@${name.digest}`);
  return `${name.domain}/${name.path}${suffix}`;
}

interface NameParts {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

function faultIn({ domain, path, tag, digest }: NameParts): string | undefined {
  if (!DOMAIN.test(domain)) return `has no proper host: ${clip(domain)}`;
  if (path !== path.toLowerCase()) return 'has upper-case letters; repository names are lower case';
  if (!isRepositoryPath(path)) return 'has no proper repository: words of a-z and 0-9 with . _ - between, parted by /';
  if (tag !== undefined && !isTag(tag)) return `has no proper tag: ${clip(tag)}`;
  if (digest !== undefined && !DIGEST.test(digest)) return `has no proper digest: ${clip(digest)}`;
  return undefined;
}

function split(typed: string): NameParts {
  const { domain, rest } = splitDomain(typed);
  const at = rest.indexOf('@');
  const named = at < 0 ? rest : rest.slice(0, at);
  const colon = named.indexOf(':');
  return {
    domain,
    path: colon < 0 ? named : named.slice(0, colon),
    tag: colon < 0 ? undefined : named.slice(colon + 1),
    digest: at < 0 ? undefined : rest.slice(at + 1),
  };
}

function refused(typed: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `image name ${clip(typed)} ${why}`);
}

function clip(text: string): string {
  return JSON.stringify(text.slice(0, 160));
}

function splitDomain(typed: string): { domain: string; rest: string } {
  const slash = typed.indexOf('/');
  const head = slash < 0 ? '' : typed.slice(0, slash);
  const isHost = /[.:]/.test(head) || head === 'localhost' || head !== head.toLowerCase();
  const domain = isHost ? head : DEFAULT_DOMAIN;
  const rest = isHost ? typed.slice(slash + 1) : typed;
  if (domain !== DEFAULT_DOMAIN && domain !== 'index.docker.io') return { domain, rest };
  const name = /^[^:@]*/.exec(rest)?.[0] ?? '';
  return { domain: DEFAULT_DOMAIN, rest: name.includes('/') ? rest : `${OFFICIAL}/${rest}` };
}
