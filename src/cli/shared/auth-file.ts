import { chmod, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { writeDurably } from '../../base/durable.js';
import { DaemonError, isErrno, messageOf } from '../../base/errors.js';
import type { Credentials } from '../../client/registry-access.js';
import type { Io } from './io.js';

type Table = Readonly<Record<string, unknown>>;

/** Docker's own name of its registry in this file. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
const DOCKER_HUB_HOSTS = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Where logins are kept: REGISTRY_AUTH_FILE, else Docker's `config.json`. */
export function authFilePath(io: Io): string {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, HOME } = io.env;
  if (REGISTRY_AUTH_FILE) return isAbsolute(REGISTRY_AUTH_FILE) ? REGISTRY_AUTH_FILE : join(io.cwd, REGISTRY_AUTH_FILE);
  return join(DOCKER_CONFIG || join(HOME || homedir(), '.docker'), 'config.json');
}

/** Logins in the form of Docker's `config.json`; keys that we don't know are kept. */
export class AuthFile {
  readonly #path: string;
  readonly #root: Table;

  private constructor(path: string, root: Table) {
    this.#path = path;
    this.#root = root;
  }

  /** One that is not there is empty. @throws invalid-argument: it can't be read, or is no JSON of that form. */
  static async open(path: string): Promise<AuthFile> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return new AuthFile(path, {});
      throw new DaemonError('invalid-argument', `logins in ${path} can't be read (${messageOf(cause)})`, { cause });
    }
    return new AuthFile(path, parseTable(path, text));
  }

  /** Helper for `host`: its own, or the one for all. */
  helper(host: string): string | undefined {
    const helpers = this.#table('credHelpers');
    const key = Object.keys(helpers).find((one) => hostOfKey(one) === canonicalHost(host));
    return textOf(helpers[key ?? '']) ?? textOf(this.#root['credsStore']);
  }

  /** The address that helpers know `host` by. */
  static serverOf(host: string): string {
    return DOCKER_HUB_HOSTS.has(host) ? DOCKER_HUB_KEY : host;
  }

  /** What is kept in the file itself; of `repository`, then of what is above it, then of the host. */
  find(host: string, repository: string): Credentials | undefined {
    const parts = repository.split('/');
    const wanted = [...parts.keys()].map((at) => [canonicalHost(host), ...parts.slice(0, parts.length - at)].join('/'));
    const auths = Object.entries(this.#table('auths'));
    for (const key of [...wanted, canonicalHost(host)]) {
      const entry = auths.find(([name]) => normalKey(name) === key)?.[1];
      const found = entry === undefined ? undefined : credentialsIn(entry, this.#path);
      if (found) return found;
    }
    return undefined;
  }

  /** Writes the file with that login in it, or without any of that host; only the owner can read it. */
  async set(host: string, login: { readonly user: string; readonly secret: string } | undefined): Promise<void> {
    const others = Object.entries(this.#table('auths')).filter(([key]) => normalKey(key) !== canonicalHost(host));
    const auths: Record<string, unknown> = Object.fromEntries(others);
    if (login)
      auths[AuthFile.serverOf(host)] = { auth: Buffer.from(`${login.user}:${login.secret}`).toString('base64') };
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await writeDurably(this.#path, `${JSON.stringify({ ...this.#root, auths }, null, 2)}\n`);
    await chmod(this.#path, 0o600);
  }

  #table(key: string): Table {
    const value = this.#root[key];
    return isTable(value) ? value : {};
  }
}

function parseTable(path: string, text: string): Table {
  let root: unknown;
  try {
    root = JSON.parse(text === '' ? '{}' : text);
  } catch {
    // Not passed on as cause: the error quotes the text, which holds passwords.
    root = undefined;
  }
  if (isTable(root)) return root;
  throw new DaemonError('invalid-argument', `logins in ${path} are no JSON object; correct the file, or move it away`);
}

function credentialsIn(entry: unknown, path: string): Credentials | undefined {
  if (!isTable(entry)) return undefined;
  const refresh = textOf(entry['identitytoken']);
  if (refresh !== undefined) return { kind: 'refresh', token: refresh };
  const bearer = textOf(entry['registrytoken']);
  if (bearer !== undefined) return { kind: 'header', authorization: `Bearer ${bearer}` };
  const [user, secret] = [textOf(entry['username']), textOf(entry['password'])];
  if (user !== undefined && secret !== undefined) return { kind: 'basic', user, secret };
  const auth = textOf(entry['auth']);
  if (auth === undefined) return undefined;
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0)
    throw new DaemonError('invalid-argument', `logins in ${path}: an "auth" is not of the form user:password`);
  // Docker pads some with NUL.
  return { kind: 'basic', user: decoded.slice(0, colon), secret: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** Keys are hosts, hosts with a path (of containers-auth.json), or addresses such as `https://host/v1/`. */
function normalKey(key: string): string {
  const [host = '', ...path] = key
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .split('/');
  const [version] = path;
  const legacy = path.length === 1 && (version === 'v1' || version === 'v2');
  return [canonicalHost(host), ...(legacy ? [] : path)].join('/');
}

function hostOfKey(key: string): string {
  return normalKey(key).split('/', 1)[0] ?? '';
}

/** True for two names of one registry: Docker Hub has several. */
export function isSameRegistry(one: string, other: string): boolean {
  return canonicalHost(one) === canonicalHost(other);
}

function canonicalHost(host: string): string {
  return DOCKER_HUB_HOSTS.has(host) ? 'docker.io' : host.toLowerCase();
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
