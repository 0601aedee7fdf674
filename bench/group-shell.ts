import { spawn, type ChildProcess } from 'node:child_process';
import { ENVIRONMENT } from './environment.js';

/** Ends what a program wrote, before its exit code. */
const END = '\u0001ended ';
const TIMEOUT_MS = 300_000;
const ENDED = 'the shell of a benchmark has ended';

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * A shell that waits for programs to run, one at a time. What it starts is in its cgroup from the first moment: a process that moves
 * itself waits for the kernel (an RCU grace period, 5 to 20 ms), and a fork of this process takes longer the more memory it has.
 */
export class GroupShell {
  readonly #child: ChildProcess;
  #said = '';
  #ended = false;
  #settle: ((code: number) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  /** @param join Shell text that moves the shell into the cgroup; `$0` is `dir`. */
  constructor(join: string, dir: string) {
    this.#child = spawn('/bin/sh', ['-c', join, dir, '/bin/sh'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: ENVIRONMENT,
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#hear(text);
    });
    this.#child.stdin?.on('error', () => undefined); // `exit` follows
    this.#child.once('exit', () => {
      this.#ended = true;
      this.#fail?.(new Error(ENDED));
    });
  }

  /** Runs a program to its end. @returns What it wrote, to stdout and stderr. @throws Error when its exit code is not 0. */
  async run(program: string, args: readonly string[]): Promise<string> {
    if (this.#ended) throw new Error(ENDED);
    this.#said = '';
    const command = [program, ...args].map(quoted).join(' ');
    const code = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), TIMEOUT_MS);
      this.#fail = reject;
      this.#settle = (status) => {
        clearTimeout(timer);
        resolve(status);
      };
      this.#child.stdin?.write(`${command} </dev/null 2>&1; printf '${END}%d\\n' $?\n`);
    });
    const text = this.#said.slice(0, this.#said.lastIndexOf(END));
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${text}`);
    return text;
  }

  #hear(text: string): void {
    this.#said += text;
    const at = this.#said.lastIndexOf(END);
    if (at >= 0 && this.#said.endsWith('\n')) this.#settle?.(Number(this.#said.slice(at + END.length)));
  }

  /** Lets the shell end; it has when the program that it may still run has. */
  end(): void {
    this.#child.stdin?.end();
  }
}
