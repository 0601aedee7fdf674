import { spawn, type StdioOptions } from 'node:child_process';

/** How a program ended and what it wrote. */
export interface Ran {
  /** Exit code, or 128 + the signal's number. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Default 60,000. The program is killed after that. */
  readonly timeoutMs?: number;
}

/** Arguments of setpriv for a server of a test: it ends with the test's process, however that ends. */
export const WITH_US = ['--pdeathsig', 'KILL', '--'] as const;

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** Runs a program to its end. A code that is not 0 is an answer, not an error. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdio: StdioOptions = [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
  const child = spawn(program, args, {
    stdio,
    cwd: options.cwd,
    env: options.env ?? process.env,
    signal: options.signal,
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes));
  child.stdin?.on('error', () => undefined).end(options.input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${program}: ${cause.message}`, { cause })));
    child.once('close', (status, signal) =>
      resolve(status ?? 128 + (signal === null ? 0 : (SIGNAL_NUMBERS[signal] ?? 0))),
    );
  });
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

/**
 * Runs a program and returns what it wrote to stdout.
 *
 * @throws Error with its stderr when the exit code is not 0.
 */
export async function output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${stderr.toString()}`);
  return stdout.toString();
}
