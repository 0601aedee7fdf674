import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError } from '../../base/errors.js';
import type { Programs } from '../../core/kernel/programs.js';
import type { NetworkKey, PortMapping } from '../../core/network/container-networks.js';
import { isObject, type CniNetwork, type CniPlugin } from './cni-config.js';

const PLUGIN_TIMEOUT_MS = 60_000;
const INTERFACE = 'eth0';

/** What the plugins of a network are called with. */
export interface CniCall {
  readonly network: CniNetwork;
  readonly key: NetworkKey;
  /** File of the network namespace; empty when it is gone. */
  readonly netns: string;
  readonly ports: readonly PortMapping[];
  /** Of the last ADD. */
  readonly result?: unknown;
}

/** Runs the plugins of a network, in order or backwards (CNI specification 1.0, sections 2 and 4). */
export class CniChain {
  readonly #programs: Programs;
  readonly #pluginDirs: readonly string[];

  /** @param pluginDirs Where plugins are looked up, first to last. */
  constructor(programs: Programs, pluginDirs: readonly string[]) {
    this.#programs = programs;
    this.#pluginDirs = pluginDirs;
  }

  /** Connects, and returns the result of the last plugin. @throws not-found: a plugin. unknown: what it says. */
  async add(call: CniCall): Promise<unknown> {
    let result: unknown;
    for (const plugin of call.network.plugins) {
      const text = await this.#run('ADD', plugin, { ...call, result });
      result = text.trim() === '' ? result : (JSON.parse(text) as unknown);
    }
    return result;
  }

  /** Disconnects; every plugin has its turn. @throws The first that failed. */
  async del(call: CniCall): Promise<void> {
    const failures: unknown[] = [];
    for (const plugin of call.network.plugins.toReversed()) {
      await this.#run('DEL', plugin, call).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async #run(command: 'ADD' | 'DEL', plugin: CniPlugin, call: CniCall): Promise<string> {
    const { network, key, netns, result } = call;
    const file = await this.#find(plugin.type, network.name);
    const env = {
      ...{ CNI_COMMAND: command, CNI_CONTAINERID: cniId(key), CNI_NETNS: netns, CNI_IFNAME: INTERFACE },
      ...{ CNI_PATH: this.#pluginDirs.join(':'), PATH: '/usr/sbin:/usr/bin:/sbin:/bin', CNI_ARGS: 'IgnoreUnknown=1' },
    };
    const config = { ...plugin, name: network.name, cniVersion: network.cniVersion, ...runtimeConfig(plugin, call) };
    const stdin = Buffer.from(JSON.stringify({ ...config, ...(result !== undefined && { prevResult: result }) }));
    const { code, stdout, stderr } = await this.#programs.run(file, [], { env, stdin, timeoutMs: PLUGIN_TIMEOUT_MS });
    if (code === 0) return stdout.toString();
    const why = messageOfPlugin(stdout.toString()) ?? stderr.toString().trim();
    throw new DaemonError(
      'unknown',
      `network ${network.name}: plugin ${plugin.type} ${command} failed: ${why || `status ${code}`}`,
    );
  }

  async #find(type: string, network: string): Promise<string> {
    for (const dir of this.#pluginDirs) {
      const path = join(dir, type);
      if (await access(path).then(yes, no)) return path;
    }
    throw new DaemonError(
      'not-found',
      `network ${network}: its plugin ${type} is not in ${this.#pluginDirs.join(' or ')}: install it with "apt-get install containernetworking-plugins"`,
    );
  }
}

/** Name of a container for the plugins; one of each namespace, in the few characters that they take. */
export function cniId({ namespace, containerId }: NetworkKey): string {
  return createHash('sha256').update(`${namespace}\0${containerId}`).digest('hex').slice(0, 40);
}

/** What a plugin that can map ports is told of them. */
function runtimeConfig(plugin: CniPlugin, { ports }: CniCall): Readonly<Record<string, unknown>> {
  const { capabilities } = plugin;
  if (ports.length === 0 || !isObject(capabilities) || capabilities['portMappings'] !== true) return {};
  const portMappings = ports.map(({ hostIp, ...rest }) => ({ ...rest, ...(hostIp !== '' && { hostIP: hostIp }) }));
  return { runtimeConfig: { portMappings } };
}

function messageOfPlugin(stdout: string): string | undefined {
  try {
    const error: unknown = JSON.parse(stdout);
    if (!isObject(error) || typeof error['msg'] !== 'string') return undefined;
    const { msg, details } = error;
    return typeof details === 'string' && details !== '' ? `${msg}: ${details}` : msg;
  } catch {
    return undefined;
  }
}

function yes(): boolean {
  return true;
}

function no(): boolean {
  return false;
}
