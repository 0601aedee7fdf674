import { readFile } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import { DaemonError, messageOf } from '../../base/errors.js';
import { ALL_CAPABILITIES, servesItself, type Capability, type Connection, type Endpoint } from './endpoint.js';

type Table = Readonly<Record<string, unknown>>;

/** Where a part of the configuration stands, for errors and for what is given relative to it. */
interface Place {
  readonly file: string;
  readonly dir: string;
  /** Host of the references that it is for. */
  readonly host: string;
}

/**
 * Reads a `hosts.toml` as containerd has it (its docs/hosts.md): the mirrors in their order, and after them the server.
 *
 * @param fallback The server where the file names none, with the connection that the file describes.
 * @throws invalid-argument: what the file says makes no sense; the message names the file and the key.
 */
export async function readHostsFile(
  place: Place,
  text: string,
  fallback: (connection: Connection | undefined) => Endpoint,
): Promise<Endpoint[]> {
  const { parse } = await import('smol-toml');
  let root: Table;
  try {
    root = parse(text);
  } catch (cause) {
    const [line = ''] = messageOf(cause).split('\n', 1);
    throw new DaemonError('invalid-argument', `${place.file} is no valid TOML: ${line}`, { cause });
  }
  const endpoints: Endpoint[] = [];
  for (const [url, settings] of Object.entries(tableIn(root, 'host', place))) {
    endpoints.push(await endpointIn(place, url, asTable(settings, `host."${url}"`, place)));
  }
  const server = optionalText(root['server'], 'server', place);
  endpoints.push(
    server === undefined ? await serverItself(place, root, fallback) : await endpointIn(place, server, root),
  );
  return endpoints;
}

async function serverItself(
  place: Place,
  root: Table,
  fallback: (connection: Connection | undefined) => Endpoint,
): Promise<Endpoint> {
  return { ...fallback(await connectionIn(place, root)), ...traitsIn(place, root) };
}

async function endpointIn(place: Place, address: string, settings: Table): Promise<Endpoint> {
  const text = /^https?:\/\//.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text))
    throw wrong(place, `"${address}" is no address of a host, such as https://mirror.example:5000`);
  const url = new URL(text);
  const connection = await connectionIn(place, settings);
  return {
    host: url.host,
    origin: url.origin,
    api: url.origin + apiPath(url.pathname, settings['override_path'] === true),
    ...traitsIn(place, settings),
    ...(connection && { connection }),
    ...(!servesItself(url.host, place.host) && { namespace: place.host }),
  };
}

function apiPath(path: string, overridden: boolean): string {
  const clean = posix.normalize(path).replace(/\/+$/, '');
  return overridden || clean.endsWith('/v2') ? clean : `${clean}/v2`;
}

function traitsIn(place: Place, settings: Table): Pick<Endpoint, 'capabilities' | 'headers'> {
  return { capabilities: capabilitiesIn(place, settings['capabilities']), headers: headersIn(place, settings) };
}

/** Of containerd's words, `referrers` means nothing to us yet. */
const KNOWN_WORDS: ReadonlySet<string> = new Set([...ALL_CAPABILITIES, 'referrers']);

function capabilitiesIn(place: Place, value: unknown): ReadonlySet<Capability> {
  const words = texts(value, 'capabilities', place).map((word) => word.toLowerCase());
  const unknown = words.find((word) => !KNOWN_WORDS.has(word));
  if (unknown !== undefined) {
    throw wrong(place, `unknown capability "${unknown}"; there are ${[...ALL_CAPABILITIES].join(', ')}`);
  }
  return words.length === 0 ? ALL_CAPABILITIES : new Set([...ALL_CAPABILITIES].filter((one) => words.includes(one)));
}

function headersIn(place: Place, settings: Table): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(tableIn(settings, 'header', place))) {
    const text = texts(value, `header.${name}`, place).join(', ');
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
      throw wrong(place, `header.${name} can not be sent`);
    }
    headers[name] = text;
  }
  return headers;
}

async function connectionIn(place: Place, settings: Table): Promise<Connection | undefined> {
  const { ca, client, skip_verify: skipVerify, dial_timeout: dialTimeout } = settings;
  if ([ca, client, skipVerify, dialTimeout].every((value) => value === undefined)) return undefined;
  if (skipVerify !== undefined && typeof skipVerify !== 'boolean')
    throw wrong(place, 'skip_verify must be true or false');
  return {
    ca: await Promise.all(texts(ca, 'ca', place).map((path) => readPem(place, path))),
    client: await Promise.all(pairs(client, place).map((pair) => readPair(place, pair))),
    skipVerify: skipVerify === true,
    ...(dialTimeout !== undefined && { dialMs: durationMs(dialTimeout, place) }),
  };
}

/** A certificate and its key; both in one file where only one is named. */
type Pair = readonly [cert: string, key: string];

function pairs(value: unknown, place: Place): Pair[] {
  const list = Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
  return list.map((item) => {
    const [cert, key = cert, more] = texts(item, 'client', place);
    if (cert === undefined || key === undefined || more !== undefined) {
      throw wrong(place, 'client must be a file, files, or pairs of a certificate and a key');
    }
    return [cert, key];
  });
}

async function readPair(place: Place, [cert, key]: Pair): Promise<Connection['client'][number]> {
  return { cert: await readPem(place, cert), key: await readPem(place, key) };
}

async function readPem(place: Place, path: string): Promise<string> {
  const whole = isAbsolute(path) ? path : join(place.dir, path);
  let text: string;
  try {
    text = await readFile(whole, 'utf8');
  } catch (cause) {
    throw new DaemonError('invalid-argument', `${place.file}: ${whole} can't be read (${messageOf(cause)})`, { cause });
  }
  if (!text.includes('-----BEGIN ')) throw wrong(place, `${whole} is no certificate or key in PEM form`);
  return text;
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration in Go's form, such as `3s` or `1m30s`. */
function durationMs(value: unknown, place: Place): number {
  const text = typeof value === 'string' ? value : '';
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/.test(text)) throw wrong(place, 'dial_timeout must be a time such as "3s"');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  const ms = parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0);
  return Math.max(1, Math.round(ms));
}

function tableIn(settings: Table, key: string, place: Place): Table {
  const value = settings[key];
  return value === undefined ? {} : asTable(value, key, place);
}

function asTable(value: unknown, key: string, place: Place): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  throw wrong(place, `${key} must be a table`);
}

function optionalText(value: unknown, key: string, place: Place): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw wrong(place, `${key} must be a text`);
}

function texts(value: unknown, key: string, place: Place): string[] {
  const list: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.map((item) => {
    if (typeof item === 'string') return item;
    throw wrong(place, `${key} must be a text or a list of texts`);
  });
}

function wrong({ file }: Place, what: string): DaemonError {
  return new DaemonError('invalid-argument', `${file}: ${what}; correct it, or move the file away`);
}
