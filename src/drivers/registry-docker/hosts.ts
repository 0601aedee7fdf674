import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../base/errors.js';
import { endpointOf, type Connection, type Endpoint } from './endpoint.js';
import { readHostsFile } from './hosts-file.js';

/**
 * Who serves the registry `host`, in the order in which they are to be asked. What the files say is read each time, so that a change
 * holds for the next request.
 *
 * @param dirs Each has a directory per host, with `hosts.toml`, or with certificates as Docker keeps them; the first one with a directory
 * for the host, or with `_default`, counts.
 * @throws invalid-argument: a file that makes no sense.
 */
export async function endpointsFor(host: string, dirs: readonly string[], plainHttp: boolean): Promise<Endpoint[]> {
  const fallback = (connection?: Connection): Endpoint => endpointOf(host, plainHttp, connection);
  // A name such as `..` would lead out of the directory.
  const proper = /^[A-Za-z0-9[]/.test(host) && !host.includes('/');
  for (const dir of (proper ? dirs : []).flatMap((root) => directoriesOf(root, host))) {
    const names = await namesIn(dir);
    if (names === undefined) continue;
    const file = join(dir, 'hosts.toml');
    const text = names.includes('hosts.toml') ? await readFile(file, 'utf8') : '';
    if (text !== '') return readHostsFile({ file, dir, host }, text, fallback);
    return [fallback(await certificatesIn(dir, names))];
  }
  return [fallback()];
}

/** A colon is no good in every file system: `host_5000_` stands for `host:5000`. */
function directoriesOf(root: string, host: string): string[] {
  const plain = host.replace(/:(\d+)$/, '_$1_');
  return [...new Set([plain, host, '_default'])].map((name) => join(root, name));
}

async function namesIn(dir: string): Promise<string[] | undefined> {
  try {
    return (await readdir(dir)).sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Docker's pattern: `*.crt` are authorities, `NAME.cert` with `NAME.key` tell who we are. */
async function certificatesIn(dir: string, names: readonly string[]): Promise<Connection | undefined> {
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8');
  const authorities = names.filter((name) => name.endsWith('.crt'));
  const own = names.filter((name) => name.endsWith('.cert'));
  if (authorities.length + own.length === 0) return undefined;
  const pairOf = async (name: string): Promise<Connection['client'][number]> => {
    const key = name.replace(/\.cert$/, '.key');
    return { cert: await read(name), key: await read(names.includes(key) ? key : name) };
  };
  return {
    ca: await Promise.all(authorities.map(read)),
    client: await Promise.all(own.map(pairOf)),
    skipVerify: false,
  };
}
