import { inspectContainer } from '../../client/execution.js';
import { defineCommand } from '../shared/command.js';
import { text } from '../shared/options.js';
import { describeContainer } from './describe-container.js';
import { targetOf } from './target.js';

export const info = defineCommand({
  usage: 'info [container]',
  aliases: ['inspect'],
  summary: 'Print a container as JSON',
  options: { id: text('--id <id>', 'the container') },
  async run({ args, options, session, out, signal }) {
    const { id } = targetOf(options.id, args);
    const { container, summary } = await inspectContainer(session(), id, signal);
    out.line(JSON.stringify(describeContainer(container, summary), undefined, 2));
    return 0;
  },
});
