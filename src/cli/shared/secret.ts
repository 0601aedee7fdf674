import { DaemonError } from '../../base/errors.js';
import type { Io } from './io.js';

const SECRET_BYTES_MAX = 64 * 1024;

/** Ctrl-C, Ctrl-D, and what the Enter and Backspace keys send in raw mode. */
const KEYS = { interrupt: '\u0003', end: '\u0004', enter: '\r', newline: '\n', erase: '\u007f' } as const;

/**
 * Reads a password: all of stdin but a newline at its end, or on a terminal a line that is not shown.
 *
 * @throws invalid-argument: there is none, or far too much. canceled: Ctrl-C.
 */
export async function readSecret(io: Io, prompt: string): Promise<string> {
  const secret = io.terminal ? await typedLine(io, prompt) : (await wholeOf(io)).replace(/\r?\n$/, '');
  if (secret === '') throw new DaemonError('invalid-argument', 'there is no password on stdin; pipe it in');
  if (/[\r\n\0]/.test(secret)) throw new DaemonError('invalid-argument', 'the password on stdin must be one line');
  return secret;
}

async function wholeOf(io: Io): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > SECRET_BYTES_MAX) throw new DaemonError('invalid-argument', 'stdin has more than a password');
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString();
}

async function typedLine(io: Io, prompt: string): Promise<string> {
  io.stderr.write(prompt);
  using _ = io.terminal?.raw();
  const typed: string[] = [];
  try {
    for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
      for (const key of chunk.toString()) {
        if (key === KEYS.enter || key === KEYS.newline || key === KEYS.end) return typed.join('');
        if (key === KEYS.interrupt) throw new DaemonError('canceled', 'no password was given');
        if (key === KEYS.erase) typed.pop();
        else typed.push(key);
      }
    }
    return typed.join('');
  } finally {
    io.stderr.write('\n');
  }
}
