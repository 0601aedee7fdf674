import { listContainers, updateContainer } from '../../client/execution.js';
import { RESTART_LABELS } from '../../spec/restart-policy.js';
import { defineCommand, type CommandContext } from '../shared/command.js';
import { text } from '../shared/options.js';
import { labelPaths } from './groups/listing.js';
import { RESTART_HELP, restartLabels, restartPolicy } from './restart-option.js';
import { RESOURCE_OPTIONS, resourcesOf } from './resource-options.js';
import { targetOf } from './target.js';

export const update = defineCommand({
  usage: 'update [container]',
  summary: "Change a container's limits, now and for when it is started again, or its restart policy",
  options: {
    ...RESOURCE_OPTIONS,
    restart: text('--restart <policy>', RESTART_HELP, restartPolicy),
    id: text('--id <id>', 'the container'),
  },
  async run({ args, options, session, signal }) {
    const { id } = targetOf(options.id, args);
    const { restart, id: _id, ...limits } = options;
    const isLimited = Object.values(limits).some((value) => value !== undefined);
    if (isLimited || restart === undefined) {
      await updateContainer(session(), { id, resources: resourcesOf(limits) }, signal);
    }
    if (restart !== undefined) await setPolicy({ session, signal }, id, restart);
    return 0;
  },
});

async function setPolicy(
  { session, signal }: Pick<CommandContext<never>, 'session' | 'signal'>,
  id: string,
  policy: string,
): Promise<void> {
  const runs = (await listContainers(session(), signal)).some((each) => each.id === id && each.pid > 0);
  const labels = { ...restartLabels(policy), ...(runs && { [RESTART_LABELS.status]: 'running' }) };
  await session()
    .service('containerd.services.containers.v1.Containers')
    .update({ container: { id, labels }, update_mask: { paths: labelPaths(labels) } }, { signal });
}
