import { type Command as Base, CommanderError } from 'commander';
import { Teardown } from '../../base/teardown.js';
import { openNativeSession } from '../../client/native-session.js';
import type { Session } from '../../client/session.js';
import { VERSION } from '../../spec/version.js';
import type { Command, CommandContext } from './command.js';
import { Commander } from './commander.js';
import { GLOBAL_OPTIONS, resolveGlobals, type Globals } from './globals.js';
import type { Io } from './io.js';
import { textsOf, toCommander, type OptionSpec } from './options.js';
import { oneLine, outOf } from './out.js';
import { Interrupt, Stop } from './stop.js';

/** A command-line program: its name and its commands. */
export interface Program {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
  /** Of the words that commands of several words begin with. */
  readonly groups: Readonly<Record<string, Group>>;
}

/** The word (or words) that several commands begin with. */
export interface Group {
  readonly summary: string;
  readonly aliases?: readonly string[];
}

type Specs = Readonly<Record<string, OptionSpec<unknown>>>;

/**
 * Runs one command line.
 *
 * @param argv Without the program's own name.
 * @returns The exit code; all errors have been told on `io.stderr` by then.
 */
export async function runProgram(program: Program, argv: readonly string[], io: Io): Promise<number> {
  let chosen: { command: Command; commander: Commander; args: readonly string[] } | undefined;
  const root = rootOf(program, io, (command, commander, args) => {
    chosen = { command, commander, args };
  });
  try {
    root.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : usageExitCode(program, argv);
  }
  if (!chosen) return 1;
  return runCommand(program, chosen.command, chosen.commander, chosen.args, io);
}

function usageExitCode(program: Program, argv: readonly string[]): number {
  const names = new Set(argv);
  return program.commands.find((command) => names.has(nameOf(command)))?.failureCode ?? 1;
}

type Choose = (command: Command, commander: Commander, args: readonly string[]) => void;

function rootOf(program: Program, io: Io, choose: Choose): Commander {
  const root = configured(new Commander(program.name), program, io);
  root.description(program.summary).version(VERSION, '-v, --version', 'print the version').enablePositionalOptions();
  for (const spec of Object.values(GLOBAL_OPTIONS)) root.addOption(toCommander(spec));
  const groups = new Map<string, Commander>([['', root]]);
  const groupOf = (words: readonly string[]): Commander => {
    const name = words.join(' ');
    const known = groups.get(name);
    if (known) return known;
    const { summary = name, aliases = [] } = program.groups[name] ?? {};
    const group = configured(new Commander(words.at(-1)), program, io);
    group
      .description(summary)
      .aliases([...aliases])
      .enablePositionalOptions();
    groupOf(words.slice(0, -1)).addCommand(group);
    groups.set(name, group);
    return group;
  };
  for (const command of program.commands) {
    const words = wordsOf(command);
    groupOf(words.slice(0, -1)).addCommand(commanderOf(program, command, words.at(-1) ?? '', io, choose));
  }
  return root;
}

function commanderOf(program: Program, command: Command, name: string, io: Io, choose: Choose): Commander {
  const commander = configured(new Commander(name), program, io);
  commander.description(command.summary);
  const positionals = command.usage.slice(wordsOf(command).join(' ').length).trim();
  if (positionals !== '') commander.arguments(positionals);
  if (command.aliases) commander.aliases([...command.aliases]);
  if (command.passThrough) commander.passThroughOptions();
  if (command.details !== undefined) commander.addHelpText('after', `\n${command.details}`);
  commander.whenUsed(() => {
    for (const spec of Object.values(command.options)) commander.addOption(toCommander(spec));
    for (const spec of Object.values(GLOBAL_OPTIONS)) {
      const long = toCommander({ ...spec, flags: spec.flags.replace(/^-\w, /, '') }).hideHelp();
      if (!commander.options.some((own) => own.long === long.long)) commander.addOption(long);
    }
  });
  commander.action(() => {
    choose(command, commander, commander.args);
  });
  return commander;
}

function configured(commander: Commander, program: Program, io: Io): Commander {
  commander.exitOverride().configureOutput({
    writeOut: (text) => {
      io.stdout.write(text);
    },
    writeErr: (text) => {
      io.stderr.write(text);
    },
    getOutHelpWidth: () => io.terminal?.size().columns ?? 80,
    getErrHelpWidth: () => io.terminal?.size().columns ?? 80,
    outputError: (text, write) => {
      write(
        `${program.name}: ${oneLine(text.replace(/^error: /, '').trim())}: "${commandPath(commander)} --help" tells more\n`,
      );
    },
  });
  return commander;
}

function commandPath(commander: Base): string {
  return commander.parent ? `${commandPath(commander.parent)} ${commander.name()}` : commander.name();
}

async function runCommand(
  program: Program,
  command: Command,
  commander: Commander,
  args: readonly string[],
  io: Io,
): Promise<number> {
  const out = outOf(program.name, io);
  const down = new Teardown();
  let debug = false;
  try {
    const globals = resolveGlobals(parseOptions(GLOBAL_OPTIONS, commander) as never, io);
    debug = globals.debug;
    const context: CommandContext<never> = {
      args,
      options: parseOptions(command.options, commander, true) as never,
      io,
      out,
      namespace: globals.namespace,
      session: sessionOpener(globals, down),
      signal: signalOf(globals, command, io, down),
    };
    return await command.run(context);
  } catch (error) {
    out.note(describeError(error, debug));
    return error instanceof Interrupt ? 130 : (command.failureCode ?? 1);
  } finally {
    await down.run();
  }
}

function sessionOpener(globals: Globals, down: Teardown): () => Session {
  let session: Session | undefined;
  return () => {
    session ??= down.own(
      openNativeSession({
        address: globals.address,
        namespace: globals.namespace,
        connectTimeoutMs: globals.connectTimeoutMs,
      }),
    );
    return session;
  };
}

function parseOptions(specs: Specs, commander: Commander, ownOnly = false): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const attribute = toCommander(spec).attributeName();
    values[key] = spec.parse(ownOnly ? textsOf(commander.opts()[attribute]) : inherited(commander, attribute));
  }
  return values;
}

function inherited(commander: Base, attribute: string): readonly string[] {
  const own = textsOf(commander.opts()[attribute]);
  return own.length > 0 || !commander.parent ? own : inherited(commander.parent, attribute);
}

function signalOf(globals: Globals, command: Command, io: Io, down: Teardown): AbortSignal {
  const controller = new AbortController();
  if (!command.ownsSignals) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      down.own(
        io.onSignal(name, () => {
          controller.abort(new Interrupt('canceled', `stopped by ${name}`));
        }),
      );
    }
  }
  const { timeoutMs } = globals;
  if (timeoutMs !== undefined) {
    const timer = setTimeout(() => {
      controller.abort(new Stop('deadline-exceeded', `the command took longer than --timeout ${timeoutMs} ms`));
    }, timeoutMs);
    down.add(() => {
      clearTimeout(timer);
    });
  }
  return controller.signal;
}

/** One line that tells an error; with `debug` the chain of its causes too. */
function describeError(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const causes: string[] = [];
  for (let cause = error.cause; debug && cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  return [error.message, ...causes].join(': caused by: ');
}

function wordsOf(command: Command): readonly string[] {
  return command.usage.split(' ').filter((word) => /^[a-z]/.test(word));
}

function nameOf(command: Command): string {
  return wordsOf(command).at(-1) ?? '';
}
