import { killProcess } from '../../client/execution.js';
import { defineCommand } from '../shared/command.js';
import { flag, text } from '../shared/options.js';
import { DETACH_KEYS, parseDetachKeys } from './detach-keys.js';
import { DETACH_OPTION } from './process-options.js';
import { connectStdio } from './stdio.js';
import { targetOf } from './target.js';

export const attach = defineCommand({
  usage: 'attach [container]',
  summary: 'Connect this terminal, or these pipes, to a running process',
  details: `It begins with the newest 64 KiB of what was written before. Several may be attached at once; who keeps the process waiting is cut off
("ctr logs" has everything). Signals go to the process. Exit code: that of the process; 125 for an error of ours.`,
  options: {
    id: text('--id <id>', 'the container'),
    execId: text('--exec-id <id>', 'an added process instead of its own'),
    noStdin: flag('--no-stdin', 'look on only'),
    noReplay: flag('--no-replay', 'nothing of what was written before'),
    detachKeys: DETACH_OPTION,
  },
  ownsSignals: true,
  failureCode: 125,
  async run({ args, options, io, session, signal }) {
    const { id } = targetOf(options.id, args);
    const { execId } = options;
    const { process } = await session()
      .service('containerd.services.tasks.v1.Tasks')
      .get({ container_id: id, exec_id: execId ?? '' }, { signal });
    return connectStdio(session(), io, {
      containerId: id,
      ...(execId === undefined ? {} : { execId }),
      tty: process?.terminal === true && io.terminal !== undefined,
      detachKeys: options.detachKeys ?? parseDetachKeys(DETACH_KEYS),
      ...{ stdin: !options.noStdin, noReplay: options.noReplay, mayBeCut: true },
      kill: (signalNumber) => killProcess(session(), { id, execId: execId ?? '', signalNumber }),
      signal,
    });
  },
});
