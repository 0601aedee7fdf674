import { DaemonError, messageOf } from '../../base/errors.js';
import type { OpaqueAny } from '../../core/events/journal.js';
import type { ProcessKey } from '../../core/execution/runtime.js';
import type { Programs, RunResult } from '../../core/kernel/programs.js';
import { messages } from '../../rpc/whole.js';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 30_000;

/** How the program of a shim is called. */
export interface ShimCommand {
  readonly program: string;
  readonly bundle: string;
  readonly key: Pick<ProcessKey, 'namespace' | 'containerId'>;
  /** The daemon's socket; that for events beside it. */
  readonly address: string;
  readonly ttrpcAddress: string;
}

/** Where a shim listens. */
export interface ShimAddress {
  readonly socket: string;
  readonly version: number;
}

/** Starts a shim. @throws unknown: what it said. */
export async function startShim(
  programs: Programs,
  command: ShimCommand,
  options: OpaqueAny | undefined,
): Promise<ShimAddress> {
  const any = options && { type_url: options.typeUrl, value: Buffer.from(options.value) };
  const stdin = any && messages.encode('google.protobuf.Any', any);
  const { code, stdout, stderr } = await call(programs, command, 'start', stdin);
  if (code !== 0) {
    const said = stderr.toString().trim() || stdout.toString().trim() || `exit status ${code}`;
    throw new DaemonError('unknown', `failed to start shim: start failed: ${said}`);
  }
  return parseAddress(stdout.toString().trim());
}

/** Has a shim's program remove what is left of a container that no shim serves any more. @throws unknown: what it said. */
export async function deleteByShim(programs: Programs, command: ShimCommand): Promise<void> {
  const { code, stderr } = await call(programs, command, 'delete');
  if (code !== 0) {
    throw new DaemonError('unknown', `${command.program} delete: ${stderr.toString().trim() || `exit status ${code}`}`);
  }
}

async function call(programs: Programs, command: ShimCommand, action: string, stdin?: Buffer): Promise<RunResult> {
  const { program, bundle, key, address, ttrpcAddress } = command;
  const names = ['-namespace', key.namespace, '-id', key.containerId];
  const paths = ['-address', address, '-publish-binary', process.execPath];
  const cleanup = action === 'delete' ? ['-bundle', bundle] : [];
  return await programs.run(program, [...names, ...paths, ...cleanup, action], {
    cwd: bundle,
    env: {
      PATH,
      NAMESPACE: key.namespace,
      GRPC_ADDRESS: address,
      TTRPC_ADDRESS: ttrpcAddress,
      MAX_SHIM_VERSION: '3',
      GOMAXPROCS: '4',
    },
    timeoutMs: TIMEOUT_MS,
    ...(stdin && { stdin }),
  });
}

/** An address by itself, or JSON with `version`, `address` and `protocol`. */
function parseAddress(text: string): ShimAddress {
  const { address, version, protocol } = text.startsWith('{') ? parseBootstrap(text) : { address: text };
  if (protocol !== undefined && protocol !== 'ttrpc') {
    throw new DaemonError(
      'unimplemented',
      `failed to start shim: it speaks ${JSON.stringify(protocol)}, and we ttrpc only`,
    );
  }
  const socket = typeof address === 'string' ? address.replace(/^unix:\/\//, '') : '';
  if (!socket.startsWith('/')) {
    throw new DaemonError('unknown', `failed to start shim: ${JSON.stringify(text.slice(0, 200))} is no unix socket`);
  }
  return { socket, version: version === 3 ? 3 : 2 };
}

function parseBootstrap(text: string): Partial<Record<'address' | 'version' | 'protocol', unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new DaemonError('unknown', `failed to start shim: its answer is no JSON: ${messageOf(cause)}`, { cause });
  }
}
