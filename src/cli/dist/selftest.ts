import { DaemonError } from '../../base/errors.js';
import { hostileSelftest, type AttackOutcome } from '../../client/selftest.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { oneLine, type Out } from '../shared/out.js';

export const selftest = defineCommand({
  usage: 'selftest',
  summary: 'Let the daemon attack itself, on this machine',
  details:
    'With --hostile it unpacks layers that are made to do harm, in a place of its own and beside files that must not change, and tells ' +
    'which of them were held. Nothing that is stored is touched. The exit code is 1 when one got through.',
  options: {
    hostile: flag('--hostile', 'hostile layers'),
    verbose: flag('-v, --verbose', 'a line for every attack, with what stops it'),
    json: flag('--json', 'everything as one JSON array'),
  },
  async run({ options, session, out, signal }) {
    if (!options.hostile) {
      throw new DaemonError('invalid-argument', 'selftest: say what is to be tested: --hostile');
    }
    const rows = new Map<string, { attacks: number; held: number }>();
    const showRow = (row: string | undefined) => {
      const counts = row === undefined ? undefined : rows.get(row);
      if (counts && !options.json) out.line(`${row}: ${counts.attacks} attacks, ${counts.held} held`);
    };
    let last: string | undefined;
    const outcomes = await hostileSelftest(session(), {
      onOutcome: (outcome) => {
        if (outcome.row !== last) showRow(last);
        last = outcome.row;
        count(rows, outcome);
        if (!options.json) showOutcome(out, outcome, options.verbose);
      },
      signal,
    });
    showRow(last);
    const held = outcomes.filter(isHeld).length;
    if (options.json) out.line(JSON.stringify(outcomes));
    else out.line(`${outcomes.length} attacks, ${held} held`);
    return held < outcomes.length ? 1 : 0;
  },
});

const isHeld = ({ complaints }: AttackOutcome) => complaints.length === 0;

function count(rows: Map<string, { attacks: number; held: number }>, outcome: AttackOutcome): void {
  const counts = rows.get(outcome.row) ?? { attacks: 0, held: 0 };
  counts.attacks += 1;
  if (isHeld(outcome)) counts.held += 1;
  rows.set(outcome.row, counts);
}

function showOutcome(out: Out, { row, name, form, guardText, complaints }: AttackOutcome, verbose: boolean): void {
  if (complaints.length > 0) out.line(oneLine(`${row} ${form}: ${name}: GOT THROUGH: ${complaints.join('; ')}`));
  else if (verbose) out.line(oneLine(`${row} ${form}: ${name}: held (${guardText})`));
}
