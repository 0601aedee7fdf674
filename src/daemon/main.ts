import { Command } from 'commander';
import { messageOf } from '../base/errors.js';
import { VERSION } from '../spec/version.js';
import { defaultConfigText, loadConfig, type Config } from './config.js';
import { createLogger } from './log.js';
import { wire } from './wire.js';

interface Flags {
  readonly config?: string;
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly socket?: string;
  readonly logLevel?: string;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

function configOf(flags: Flags): Config {
  const { WHARFD_ADDRESS, CONTAINERD_ADDRESS } = process.env;
  return loadConfig(flags.config, {
    root: flags.root,
    state: flags.state,
    address: flags.address ?? flags.socket ?? (WHARFD_ADDRESS || CONTAINERD_ADDRESS || undefined),
    logLevel: flags.logLevel,
  });
}

/** Serves until a signal, then ends the calls, then everything below them in reverse order. Containers go on. */
async function serve(flags: Flags): Promise<void> {
  process.umask(0o022);
  const config = configOf(flags);
  const log = createLogger(config.log_level);
  const stop = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of STOP_SIGNALS) process.once(signal, resolve);
  });
  process.on('SIGHUP', () => undefined);
  process.on('unhandledRejection', (reason) => {
    log.error(
      { error: messageOf(reason), stack: reason instanceof Error ? reason.stack : undefined },
      'unhandled rejection',
    );
  });
  await using _daemon = await wire(config, log);
  log.info({ address: config.grpc.address, root: config.root, version: VERSION, pid: process.pid }, 'wharfd serves');
  const signal = await stop;
  log.info({ signal }, 'wharfd stops');
}

/** Ends by itself: what watches the containers would keep this process for as long as they run. */
function leave(code: number): never {
  process.exit(code);
}

const program = new Command('wharfd')
  .description('The container daemon: images, their file systems, and the containers that run on them')
  .version(VERSION, '-v, --version')
  .option('-c, --config <file>', 'configuration (default /etc/wharfd/config.toml, which may be missing)')
  .option('--root <dir>', 'what lasts: metadata, content, snapshots')
  .option('--state <dir>', 'what a reboot ends: bundles, sockets')
  .option('-a, --address <path>', 'unix socket to serve on (WHARFD_ADDRESS)')
  .option('-s, --socket <path>', 'the same')
  .option('-l, --log-level <level>', 'debug, info, warn or error')
  .action(async (flags: Flags) => {
    await serve(flags);
    leave(0);
  });
program
  .command('config')
  .description('about the configuration')
  .command('default')
  .description('print every key with its default, as TOML')
  .action(() => {
    process.stdout.write(defaultConfigText());
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`wharfd: ${messageOf(error)}\n`);
  leave(1);
}
