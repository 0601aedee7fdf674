import type { Session } from '../../client/session.js';
import type { Io } from './io.js';
import type { OptionSpec, OptionValues } from './options.js';
import type { Out } from './out.js';

/** What a command gets. */
export interface CommandContext<Options> {
  /** Positionals, as typed. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: Io;
  readonly out: Out;
  /** Connects at the first call. @throws unavailable: no daemon at the address. */
  readonly session: () => Session;
  /** The namespace that the session acts in. */
  readonly namespace: string;
  /** Fires at Ctrl-C and at `--timeout`. */
  readonly signal: AbortSignal;
}

type Specs = Readonly<Record<string, OptionSpec<unknown>>>;

interface CommandTable<Table extends Specs> {
  /** `rootfs unpack <digest>`: words of the name, then `<needed>`, `[optional]`, `<some...>` or `[any...]`. */
  readonly usage: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** More help, after the options. */
  readonly details?: string;
  readonly options?: Table;
  /** True: what follows the first positional belongs to the positionals, dashes or not. */
  readonly passThrough?: boolean;
  /** Ctrl-C is the command's own matter (it hands signals on). */
  readonly ownsSignals?: boolean;
  /** Exit code for a failure of ours; 1 by default. */
  readonly failureCode?: number;
  readonly run: (context: CommandContext<OptionValues<Table>>) => Promise<number>;
}

/** A command, its options' types forgotten. */
export interface Command extends Omit<CommandTable<Specs>, 'run' | 'options'> {
  readonly options: Specs;
  readonly run: (context: CommandContext<never>) => Promise<number>;
}

/** A command is a table and a call. */
export function defineCommand<const Table extends Specs = Record<string, never>>(table: CommandTable<Table>): Command {
  return { ...table, options: table.options ?? {}, run: table.run };
}
