import { killProcess } from '../../client/execution.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { parseSignal } from '../../spec/signal-name.js';
import { targetOf } from './target.js';

export const kill = defineCommand({
  usage: 'kill [container] [signal]',
  summary: 'Send a signal (TERM unless another is named) to a container',
  options: {
    id: text('--id <id>', 'the container'),
    signal: text('-s, --signal <signal>', 'by name or number'),
    all: flag('-a, --all', 'to all of its processes'),
    execId: text('--exec-id <id>', 'to an added process instead'),
  },
  async run({ args, options, session, signal }) {
    const { id, rest } = targetOf(options.id, args);
    await killProcess(
      session(),
      {
        id,
        signalNumber: parseSignal(options.signal ?? rest[0] ?? 'TERM'),
        all: options.all,
        ...(options.execId === undefined ? {} : { execId: options.execId }),
      },
      signal,
    );
    return 0;
  },
});
