import { DaemonError } from '../../base/errors.js';
import { readLogs, type LoggedOutput } from '../../client/logs.js';
import { defineCommand } from '../shared/command.js';
import type { Io } from '../shared/io.js';
import { flag, parseCount, parseDurationMs, text } from '../shared/options.js';
import { formatBytes } from '../shared/units.js';
import { write } from '../shared/write.js';
import { targetOf } from './target.js';

const NEWLINE = 0x0a;

export const logs = defineCommand({
  usage: 'logs [container]',
  summary: 'Show what a container has written, stdout and stderr apart',
  details: 'The log outlives restarts of the container and of the daemon, and goes with the container.',
  options: {
    id: text('--id <id>', 'the container'),
    follow: flag('-f, --follow', 'go on until its process ends'),
    since: text('--since <time>', 'only from then on: RFC 3339, or a duration before now such as 10m', parseTime),
    until: text('--until <time>', 'only what came before, in the same forms', parseTime),
    tail: text('-n, --tail <lines>', 'only so many from the end ("all" for everything)', parseTail),
    timestamps: flag('-t, --timestamps', 'when it was written, before each line'),
  },
  async run({ args, options, session, io, out, signal }) {
    const { follow, since, until, tail } = options;
    const { id } = targetOf(options.id, args);
    const print = printer(io, options.timestamps);
    try {
      for await (const output of readLogs(session(), { containerId: id, follow, since, until, tail, signal })) {
        if ('bytes' in output) await print(output);
        else out.note(`${formatBytes(output.missingBytes)} of output are not in the log any more`);
      }
    } catch (error) {
      // Leaving by Ctrl-C is how following ends.
      if (!follow || !signal.aborted) throw error;
    }
    return 0;
  },
});

/** A line that was written in parts has one time, that of the first. */
function printer(io: Io, timestamps: boolean): (output: Extract<LoggedOutput, { bytes: Uint8Array }>) => Promise<void> {
  const inLine = { stdout: false, stderr: false };
  return async ({ time, stream, bytes }) => {
    const head = timestamps && !inLine[stream] ? `${time} ` : '';
    inLine[stream] = bytes.at(-1) !== NEWLINE;
    const to = stream === 'stderr' ? io.stderr : io.stdout;
    const whole = head === '' ? bytes : Buffer.concat([Buffer.from(head), bytes]);
    await write(to, whole);
  };
}

function parseTime(given: string): Date {
  if (/^\d{4}-\d{2}-\d{2}/.test(given)) {
    const date = new Date(given);
    if (!Number.isNaN(date.getTime())) return date;
    throw new DaemonError('invalid-argument', `time ${JSON.stringify(given)} is not of the form 2026-01-31T10:00:00Z`);
  }
  return new Date(Date.now() - parseDurationMs(given));
}

function parseTail(given: string): number | undefined {
  return given === 'all' ? undefined : parseCount(given);
}
