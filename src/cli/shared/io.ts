import type { Readable, Writable } from 'node:stream';

/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The terminal that a program runs on. */
export interface Terminal {
  /** The size now. */
  size(): TerminalSize;
  /** Calls `listener` after each change of size, until disposed. */
  onResize(listener: () => void): Disposable;
  /** Every key goes through untouched until disposed. */
  raw(): Disposable;
}

/** How a program that a command started has ended. */
export interface ProgramEnd {
  /** Exit code, or 128 + n when signal n ended it. */
  readonly code: number;
  /** What it wrote to stdout, where that did not go to the terminal. */
  readonly output?: string;
}

/** All that a command may touch of the process around it; tests give their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** There when stdin and stdout are a terminal. */
  readonly terminal: Terminal | undefined;
  /** True when stdin was a terminal that is gone by now: its end is no end of what the user has typed. */
  hungUp(): boolean;
  /** Terminal that stderr or stdout shows progress on; undefined when neither is one. */
  readonly progressTerminal: Terminal | undefined;
  /** `process.arch` of the machine. */
  readonly arch: string;
  /** Calls `listener` at each of these signals, instead of what they do by themselves, until disposed. */
  onSignal(signal: NodeJS.Signals, listener: () => void): Disposable;
  /**
   * Runs a program: on this terminal (an editor), or with `input` as its stdin and its output for us (a credential helper).
   *
   * @throws not-found: no such program.
   */
  spawn(file: string, args: readonly string[], input?: string): Promise<ProgramEnd>;
}
