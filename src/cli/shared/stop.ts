import { DaemonError } from '../../base/errors.js';

/** Why a whole command ends, whatever it had still to do: its time is over. */
export class Stop extends DaemonError {}

/** Or somebody has pressed Ctrl-C. */
export class Interrupt extends Stop {}
