import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../base/directory.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { Kernel } from '../../core/kernel/kernel.js';
import type {
  ContainerNetworks,
  NetworkFiles,
  NetworkKey,
  NetworkWish,
  PortMapping,
} from '../../core/network/container-networks.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { CniChain } from './cni-chain.js';
import { loadNetworks, parseNetwork, type CniNetwork } from './cni-config.js';
import { NamespacePins } from './namespace-pins.js';
import { factsOf, hostsFile, resolvFile } from './network-files.js';

export interface CniSettings {
  /** Where what is prepared and connected is written down: `<root>/<namespace>/<container>`. It must outlast a reboot, as addresses do. */
  readonly root: string;
  /** Where network namespaces are held. A reboot ends these. */
  readonly pins: string;
  readonly configDir: string;
  readonly pluginDirs: readonly string[];
}

/** What is kept of a container: the network as it was then, so that it is taken down as it was set up. */
interface Kept {
  readonly network: CniNetwork;
  readonly ports: readonly PortMapping[];
  readonly hostname: string;
}

const FILES: NetworkFiles = { '/etc/hosts': 'hosts', '/etc/resolv.conf': 'resolv.conf', '/etc/hostname': 'hostname' };
const CONNECTED = 'connected.json';

/** Networks of CNI plugins. */
export class CniNetworks implements ContainerNetworks {
  readonly #chain: CniChain;
  readonly #pins: NamespacePins;
  readonly #settings: CniSettings;

  constructor({ programs, mounts }: Pick<Kernel, 'programs' | 'mounts'>, settings: CniSettings) {
    this.#chain = new CniChain(programs, settings.pluginDirs);
    this.#pins = new NamespacePins(mounts, settings.pins);
    this.#settings = settings;
  }

  async prepare(key: NetworkKey, wish: NetworkWish): Promise<{ files: NetworkFiles; warning?: string }> {
    const network = await this.#choose(wish.name);
    if (!network) {
      const lost = wish.ports.length > 0 ? ', and no port is published' : '';
      return {
        files: {},
        warning: `no network is configured in ${this.#settings.configDir}, so container ${key.containerId} has its loopback device only${lost}; put a CNI configuration there`,
      };
    }
    refusePorts(network, wish.ports);
    const dir = this.#dir(key);
    await mkdir(dir, { recursive: true, mode: 0o711 });
    const { ports, hostname } = wish;
    const kept: Kept = { network, ports, hostname };
    await writeFile(join(dir, 'network.json'), JSON.stringify(kept), { mode: 0o600 });
    await this.#writeFiles(dir, hostname, undefined);
    return { files: filesIn(dir) };
  }

  async connect(key: NetworkKey, pid: number): Promise<void> {
    const [dir, kept] = [this.#dir(key), await this.#kept(key)];
    if (!kept) return;
    await writeFile(join(dir, CONNECTED), '{}', { mode: 0o600 });
    const netns = await this.#pins.pin(key, pid);
    try {
      const result = await this.#chain.add({ ...kept, key, netns });
      await writeFile(join(dir, CONNECTED), JSON.stringify({ result }), { mode: 0o600 });
      await this.#writeFiles(dir, kept.hostname, result);
    } catch (cause) {
      // What plugins did before the one that failed; this one's failure is not what the caller wants to know.
      await this.#chain.del({ ...kept, key, netns }).catch(() => undefined);
      await this.#forget(key, dir);
      throw cause;
    }
  }

  async disconnect(key: NetworkKey): Promise<void> {
    const [dir, kept] = [this.#dir(key), await this.#kept(key)];
    const connected = kept && (await readIfThere(join(dir, CONNECTED)));
    if (!kept || connected === undefined) return;
    const { result } = parseResult(connected);
    const netns = (await this.#pins.find(key)) ?? '';
    await this.#chain.del({ ...kept, key, netns, ...(result !== undefined && { result }) });
    await this.#forget(key, dir);
  }

  async remove(key: NetworkKey): Promise<void> {
    await this.disconnect(key);
    if (existsSync(this.#dir(key))) await rm(this.#dir(key), { recursive: true, force: true });
  }

  async filesOf(key: NetworkKey): Promise<NetworkFiles> {
    return (await this.#kept(key)) ? filesIn(this.#dir(key)) : {};
  }

  async inventory(): Promise<readonly NetworkKey[]> {
    const keys: NetworkKey[] = [];
    for (const namespace of await namesIn(this.#settings.root)) {
      for (const containerId of await namesIn(join(this.#settings.root, namespace)))
        keys.push({ namespace, containerId });
    }
    return keys;
  }

  async #forget(key: NetworkKey, dir: string): Promise<void> {
    await this.#pins.unpin(key);
    await rm(join(dir, CONNECTED), { force: true });
  }

  async #choose(name: string): Promise<CniNetwork | undefined> {
    const networks = await loadNetworks(this.#settings.configDir);
    if (networks.length === 0) return undefined;
    const found = networks.find((network) => network.name === name) ?? (name === 'default' ? networks[0] : undefined);
    if (found) return found;
    const names = networks.map((network) => network.name).join(', ');
    throw new DaemonError(
      'not-found',
      `network ${JSON.stringify(name)} is not configured in ${this.#settings.configDir}; there are: ${names}`,
    );
  }

  #dir({ namespace, containerId }: NetworkKey): string {
    return join(
      this.#settings.root,
      checkIdentifier(namespace, 'namespace'),
      checkIdentifier(containerId, 'container id'),
    );
  }

  async #kept(key: NetworkKey): Promise<Kept | undefined> {
    // Most containers of other clients have no network of ours, and are asked for it all the same.
    if (!existsSync(this.#dir(key))) return undefined;
    const text = await readIfThere(join(this.#dir(key), 'network.json'));
    if (text === undefined) return undefined;
    const kept = JSON.parse(text) as Kept;
    return { ...kept, network: parseNetwork(kept.network, `of container ${key.containerId}`) };
  }

  /** In place: the container has these very files. */
  async #writeFiles(dir: string, hostname: string, result: unknown): Promise<void> {
    const facts = factsOf(result);
    const ofHost = (await readIfThere('/etc/resolv.conf')) ?? '';
    await writeFile(join(dir, 'hosts'), hostsFile(hostname, facts.addresses), { mode: 0o644 });
    await writeFile(join(dir, 'resolv.conf'), resolvFile(facts, ofHost), { mode: 0o644 });
    await writeFile(join(dir, 'hostname'), `${hostname}\n`, { mode: 0o644 });
  }
}

/** @throws invalid-argument: ports are to be published and no plugin of the network does that. */
function refusePorts({ name, plugins }: CniNetwork, ports: readonly PortMapping[]): void {
  const able = plugins.some(
    ({ capabilities }) => (capabilities as { portMappings?: unknown } | undefined)?.portMappings === true,
  );
  if (ports.length === 0 || able) return;
  throw new DaemonError(
    'invalid-argument',
    `network ${name} publishes no ports: it has no plugin with the capability portMappings, such as portmap`,
  );
}

function filesIn(dir: string): NetworkFiles {
  return Object.fromEntries(Object.entries(FILES).map(([path, name]) => [path, join(dir, name)]));
}

function parseResult(text: string): { readonly result?: unknown } {
  try {
    return JSON.parse(text) as { result?: unknown };
  } catch {
    // The daemon died while it wrote; plugins take down what they know.
    return {};
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  });
}
