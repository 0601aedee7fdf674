import { readEvents, type ClientEvent } from '../../client/events.js';
import { defineCommand } from '../shared/command.js';
import { flag, parseCount, text } from '../shared/options.js';
import { formatTable } from '../shared/table.js';

export const events = defineCommand({
  usage: 'events [filter...]',
  summary: 'Follow what happens: TYPE ID PID EXIT_STATUS (with --json everything)',
  details:
    'Every event has a number that grows by one, over restarts of the daemon too; --json shows it. To miss nothing after a ' +
    'break, go on with --from and the number after the last one seen.',
  options: {
    json: flag('--json', 'a JSON object for each event, with number, time, namespace, topic and fields'),
    from: text('--from <number>', 'begin with this event instead of what comes next', parseCount),
    untilNow: flag('--until-now', 'end with the newest event instead of following'),
  },
  async run({ args: filters, options, session, io, out, signal, namespace }) {
    if (!options.json) io.stdout.write(row(['TYPE', 'ID', 'PID', 'EXIT_STATUS']));
    const request = {
      from: options.from,
      untilNow: options.untilNow,
      filters: filters.length > 0 ? filters : [`namespace==${namespace}`],
      signal,
    };
    try {
      for await (const event of readEvents(session(), request)) {
        if (options.json) out.line(JSON.stringify(event));
        else io.stdout.write(row(cells(event)));
      }
    } catch (error) {
      // Leaving by Ctrl-C is how following ends.
      if (!signal.aborted) throw error;
    }
    return 0;
  },
});

const TYPE_WIDTH = 20;
const ID_WIDTH = 24;
const PID_WIDTH = 8;

function row([type = '', id = '', pid = '', status = '']: readonly string[]): string {
  return formatTable([[type.padEnd(TYPE_WIDTH), id.padEnd(ID_WIDTH), pid.padEnd(PID_WIDTH), status]]);
}

/** `TaskExit` of a task is EXIT, and so on; events of other things show their topic. */
function cells({ topic, fields }: ClientEvent): readonly string[] {
  const text = (key: string) => {
    const value = fields[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const task = /^\/tasks\/(.+)$/.exec(topic)?.[1];
  const type = task === undefined ? topic : task.replaceAll('-', '_').toUpperCase();
  const id = text('container_id') || text('id') || text('name') || text('key') || text('digest');
  const exec = text('exec_id') || (text('id') === id ? '' : text('id'));
  return [type, exec === '' ? id : `${id}/${exec}`, text('pid') || '-', text('exit_status') || '-'];
}
