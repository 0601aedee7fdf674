import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../base/directory.js';
import { DaemonError, messageOf } from '../../base/errors.js';

/** A plugin's part of a network configuration; most of it is the plugin's own. */
export type CniPlugin = Readonly<Record<string, unknown>> & { readonly type: string };

/** A network as its administrator has configured it (CNI specification 1.0, section 1). */
export interface CniNetwork {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly CniPlugin[];
}

/**
 * All networks of a directory, in the order of their file names: `.conflist`, and `.conf` or `.json` of a single plugin.
 *
 * @throws invalid-argument: a file that is no configuration, by its name.
 */
export async function loadNetworks(dir: string): Promise<readonly CniNetwork[]> {
  const files = (await namesIn(dir)).filter((name) => /\.(?:conflist|conf|json)$/.test(name)).sort();
  return await Promise.all(files.map((name) => readNetwork(join(dir, name))));
}

async function readNetwork(path: string): Promise<CniNetwork> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new DaemonError('invalid-argument', `CNI configuration ${path}: ${messageOf(cause)}`, { cause });
  }
  return parseNetwork(value, path);
}

/** @param what Named in errors. @throws invalid-argument. */
export function parseNetwork(value: unknown, what: string): CniNetwork {
  const fail = (why: string) => new DaemonError('invalid-argument', `CNI configuration ${what} ${why}`);
  if (!isObject(value)) throw fail('is no JSON object');
  const { name, cniVersion = '0.2.0', plugins = [value] } = value;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw fail('has no name');
  if (typeof cniVersion !== 'string') throw fail('has a cniVersion that is no text');
  if (!Array.isArray(plugins) || plugins.length === 0 || !plugins.every(isPlugin)) {
    throw fail('has plugins without a type, or none');
  }
  return { name, cniVersion, plugins };
}

function isPlugin(value: unknown): value is CniPlugin {
  return isObject(value) && typeof value['type'] === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(value['type']);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
