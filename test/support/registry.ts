import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Teardown } from '../../src/base/teardown.js';
import { type Digest, hexOf } from '../../src/spec/digest.js';
import type { Image } from './image.js';
import { WITH_US } from './run.js';
import { tempDir } from './temp-dir.js';
import { openTokenServer } from './token-server.js';

/** A request that the registry has answered. */
export interface Answered {
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
  readonly status: number;
}

/** Debian's docker-registry on a random port of 127.0.0.1, with storage of its own. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:<port>`; references begin with it. */
  readonly host: string;
  readonly pid: number;
  /** What it has answered so far, in order. */
  readonly answered: readonly Answered[];
  /** How its token server, if there is one, was asked: `GET`, or `POST` with the grant. */
  readonly tokenRequests: readonly string[];
  /** Stores an image, or an index, under `<host>/<name>:<tag>` exactly as its bytes are, and returns that reference. */
  push(image: Image, name: string, tag?: string): Promise<string>;
  /** The file that it keeps a blob in; what is written there is what it serves. */
  fileOf(digest: Digest): string;
}

export interface RegistryOptions {
  /**
   * `basic`: user `user`, password `right`. `token`: bearer tokens of a server beside it, which gives them to anybody; `login`: only to
   * that user.
   */
  readonly auth?: 'basic' | 'token' | 'login';
  /** Files of a certificate and its key, and of the authority that clients have to be certified by. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
  /** Address of a registry that this one is a pull-through cache of. */
  readonly mirrorOf?: string;
}

const USER = 'user:right';
/** bcrypt of `right`. */
const HTPASSWD = 'user:$2b$04$pz.h/EBI7akmO4wHHbvEV.LSXa0taj6qeNXr.9nrhotY8nHd747US\n';

/** Starts a registry and waits until it listens. Disposing stops it and removes what it stored. */
export function openRegistry(options: RegistryOptions = {}): Promise<Registry> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir(undefined, 'wharfd-registry-'));
    const config = join(home.path, 'config.json');
    const { auth: kind, tls, mirrorOf } = options;
    const users = kind === 'login' ? [USER] : undefined;
    const withTokens = kind === 'token' || kind === 'login';
    const tokens = withTokens ? down.own(await openTokenServer(home.path, users)) : undefined;
    const auth: Record<string, unknown> = tokens ? { token: tokens.config } : {};
    if (options.auth === 'basic') {
      await writeFile(join(home.path, 'htpasswd'), HTPASSWD);
      auth.htpasswd = { realm: 'test', path: join(home.path, 'htpasswd') };
    }
    const settings = {
      version: '0.1',
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: join(home.path, 'data') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0', secret: 'of this run', ...(tls && { tls: tlsSettings(tls) }) },
      ...(mirrorOf === undefined ? {} : { proxy: { remoteurl: mirrorOf } }),
      ...(options.auth ? { auth } : {}),
    };
    await mkdir(join(home.path, 'data'));
    // JSON is YAML.
    await writeFile(config, JSON.stringify(settings));
    const child = spawn('setpriv', [...WITH_US, 'docker-registry', 'serve', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    down.add(() => stop(child));
    const answered: Answered[] = [];
    const host = await listeningAddress(child, answered);
    return {
      host,
      pid: child.pid ?? 0,
      answered,
      tokenRequests: tokens?.requests ?? [],
      fileOf: (digest) => {
        const hex = hexOf(digest);
        return join(home.path, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
      },
      push: async (image, name, tag = 'latest') => {
        const headers = await authorization(options.auth, tokens?.config.realm, name);
        return push({ host, headers }, image, name, tag);
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

/** Reads the registry's log for ever; resolves at the line that tells the address. */
function listeningAddress(child: ChildProcess, answered: Answered[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    child.once('error', (cause) => reject(new Error(`docker-registry: ${cause.message}`, { cause })));
    child.once('exit', (code) => reject(new Error(`docker-registry ended with ${String(code)}:\n${log.join('\n')}`)));
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (text) => {
      if (log.length < 50) log.push(text);
      const line = parseLine(text);
      const address = /^listening on ([^,]*)/.exec(line.msg ?? '')?.[1];
      if (address !== undefined) resolve(address);
      const { 'http.request.method': method, 'http.request.uri': uri, 'http.response.status': status } = line;
      if (method !== undefined && uri !== undefined && status !== undefined) answered.push({ method, uri, status });
    });
  });
}

interface LogLine {
  readonly msg?: string;
  readonly 'http.request.method'?: string;
  readonly 'http.request.uri'?: string;
  readonly 'http.response.status'?: number;
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return {};
  }
}

function tlsSettings({ certificate, key, clientCa }: NonNullable<RegistryOptions['tls']>): Record<string, unknown> {
  return { certificate, key, ...(clientCa === undefined ? {} : { clientcas: [clientCa] }) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

interface Access {
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function authorization(auth: RegistryOptions['auth'], realm = '', name = ''): Promise<Record<string, string>> {
  if (auth === 'basic') return { authorization: `Basic ${Buffer.from(USER).toString('base64')}` };
  if (auth === undefined) return {};
  const basic = { authorization: `Basic ${Buffer.from(USER).toString('base64')}` };
  const answer = await fetch(`${realm}?scope=repository:${name}:pull,push`, { headers: basic });
  const { token } = (await answer.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

/** Plain requests rather than a client: a client would repack what is to be stored as it is. */
async function push({ host, headers }: Access, image: Image, name: string, tag: string): Promise<string> {
  const base = `http://${host}/v2/${name}`;
  for (const [digest, bytes] of image.blobs) {
    const started = await expectStatus(202, fetch(`${base}/blobs/uploads/`, { method: 'POST', headers }));
    const location = new URL(started.headers.get('location') ?? '', base);
    location.searchParams.set('digest', digest);
    await expectStatus(201, fetch(location, { method: 'PUT', headers, body: new Uint8Array(bytes) }));
  }
  for (const { descriptor, bytes } of image.manifests) {
    const last = descriptor.digest === image.target.digest;
    const url = `${base}/manifests/${last ? tag : descriptor.digest}`;
    const typed = { ...headers, 'content-type': descriptor.mediaType };
    await expectStatus(201, fetch(url, { method: 'PUT', headers: typed, body: new Uint8Array(bytes) }));
  }
  return `${host}/${name}:${tag}`;
}

async function expectStatus(wanted: number, request: Promise<Response>): Promise<Response> {
  const response = await request;
  const body = await response.text();
  if (response.status !== wanted) throw new Error(`${response.url}: ${response.status}, not ${wanted}: ${body}`);
  return response;
}
