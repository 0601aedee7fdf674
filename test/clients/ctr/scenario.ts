/** One call of Debian's `ctr`, made the same against our daemon and against containerd. */
export interface Scenario {
  /** Words apart by spaces, `{name}` standing for something of the world; or the words themselves. */
  readonly args: string | readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * How far both must say the same beside the exit code: all of it; the heading of the table; only the columns of these
   * numbers; or nothing, where the two are different programs.
   */
  readonly same?: 'all' | 'heading' | 'code' | readonly number[];
  /** The order of the lines is nobody's promise. */
  readonly unordered?: boolean;
  /** It makes the daemon compress something, whose digest is then its own: the listings are not compared. */
  readonly made?: boolean;
  /** Runs until it is interrupted: SIGINT once its first line is there. */
  readonly interrupted?: boolean;
  /** A shell command in the directory of the side, before the call. */
  readonly prepare?: string;
}

export type Step = string | Scenario;

/** The calls of one subcommand, in their order, by what they are to show. */
export interface Forms {
  readonly good: readonly Step[];
  /** What the call names is not there. */
  readonly missing: readonly Step[];
  /** The call itself is wrong. */
  readonly wrong: readonly Step[];
}

/** By subcommand as `ctr help` names it; run in this order, since later ones use what earlier ones made. */
export type Scenarios = Readonly<Record<string, Forms>>;

export interface NamedScenario extends Scenario {
  readonly title: string;
}

export function* flatten(scenarios: Scenarios): Generator<NamedScenario> {
  for (const forms of Object.values(scenarios)) {
    for (const step of [...forms.good, ...forms.missing, ...forms.wrong]) {
      const scenario = typeof step === 'string' ? { args: step } : step;
      const title = typeof scenario.args === 'string' ? scenario.args : scenario.args.join(' ');
      yield { ...scenario, title };
    }
  }
}
