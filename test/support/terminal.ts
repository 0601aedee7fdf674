import { spawn } from 'node:child_process';
import { WITH_US } from './run.js';

/** A program on a terminal of its own, and somebody who types there. */
export interface Typist extends AsyncDisposable {
  /** All that has been shown so far. */
  readonly shown: string;
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** Resolves when `text` is shown after what was shown when this was last called. @throws when the program ends before. */
  until(text: string): Promise<void>;
  /** How the program ended. */
  readonly ended: Promise<number>;
  /** True while the terminal hands every key on at once, unread by itself. */
  isRaw(): Promise<boolean>;
}

/** Python has the calls for a terminal. Commands on fd 3: `s` rows columns, `r` (asks if raw; answered on fd 4), `t` and JSON of bytes. */
const SCRIPT = String.raw`
import fcntl, json, os, pty, select, struct, sys, termios, threading
rows, columns, *command = sys.argv[1:]
pid, master = pty.fork()
def size(r, c):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', int(r), int(c), 0, 0))
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', int(rows), int(columns), 0, 0))
    os.closerange(3, 10)
    os.execvp(command[0], command)
def obey():
    for line in os.fdopen(3):
        word = json.loads(line)
        if word[0] == 's': size(word[1], word[2])
        elif word[0] == 't': os.write(master, word[1].encode())
        else: os.write(4, b'raw\n' if not termios.tcgetattr(master)[3] & termios.ICANON else b'cooked\n')
threading.Thread(target=obey, daemon=True).start()
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data: break
    os.write(1, data)
status = os.waitpid(pid, 0)[1]
os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`;

/** Starts a program on a new terminal of that size. Disposing hangs up. */
export function openTerminal(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  rows: number,
  columns: number,
): Typist {
  const python = ['python3', '-c', SCRIPT, String(rows), String(columns), ...command];
  const child = spawn('setpriv', [...WITH_US, ...python], {
    env,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'],
  });
  const [, stdout, , orders, answers] = child.stdio;
  if (!stdout || !orders || !answers || !('write' in orders)) throw new Error('no pipes to the terminal');
  let shown = '';
  let seen = 0;
  let news: () => void = () => undefined;
  let hasEnded = false;
  stdout.on('data', (bytes: Buffer) => {
    shown += bytes.toString();
    news();
  });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => {
      hasEnded = true;
      news();
      resolve(code ?? -1);
    });
  });
  const order = (...words: readonly unknown[]): void => void orders.write(`${JSON.stringify(words)}\n`);
  return {
    get shown() {
      return shown;
    },
    ended,
    type: (text) => order('t', text),
    resize: (newRows, newColumns) => order('s', newRows, newColumns),
    async until(text) {
      for (let at = shown.indexOf(text, seen); ; at = shown.indexOf(text, seen)) {
        if (at >= 0) {
          seen = at + text.length;
          return;
        }
        if (hasEnded) throw new Error(`ended without showing ${JSON.stringify(text)}: ${JSON.stringify(shown)}`);
        await new Promise<void>((resolve) => (news = resolve));
      }
    },
    async isRaw() {
      const answer = new Promise<Buffer>((resolve) => answers.once('data', resolve));
      order('r');
      return (await answer).toString() === 'raw\n';
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill('SIGKILL');
      await ended;
    },
  };
}
