import { Command } from 'commander';

/** A command of commander's whose options are made when it is used, or its help is shown: most commands of a program are not. */
export class Commander extends Command {
  #make: (() => void) | undefined;

  whenUsed(make: () => void): void {
    this.#make = make;
  }

  override parseOptions(argv: string[]): { operands: string[]; unknown: string[] } {
    this.#ready();
    return super.parseOptions(argv);
  }

  /** It tells of each command below whether there are options. */
  override helpInformation(context?: Parameters<Command['helpInformation']>[0]): string {
    this.#ready();
    for (const command of this.commands) if (command instanceof Commander) command.#ready();
    return super.helpInformation(context);
  }

  #ready(): void {
    const make = this.#make;
    this.#make = undefined;
    make?.();
  }
}
