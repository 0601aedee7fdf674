import { listContainers, type ContainerSummary } from '../../client/execution.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { formatAge } from '../shared/units.js';

export const list = defineCommand({
  usage: 'list',
  aliases: ['ls'],
  summary: 'List the containers with the state of their processes',
  options: { quiet: flag('-q, --quiet', 'ids only'), json: flag('--json', 'a JSON object for each, a line each') },
  async run({ options, session, out, signal }) {
    const containers = await listContainers(session(), signal);
    if (options.json) for (const container of containers) out.line(JSON.stringify(container));
    else if (options.quiet) for (const { id } of containers) out.line(id);
    else out.table([['ID', 'PID', 'STATUS', 'IMAGE', 'EXIT', 'AGE'], ...containers.map(cells)]);
    return 0;
  },
});

function cells({
  id,
  pid,
  status,
  health,
  image,
  exitStatus,
  exitUnknown,
  createdAt,
}: ContainerSummary): readonly string[] {
  const exit = exitUnknown === undefined ? String(exitStatus ?? '-') : `unknown: ${exitUnknown}`;
  const age = createdAt ? formatAge(Date.now() - createdAt.getTime()) : '-';
  const shown = status.toUpperCase() + (health ? ` (${health.status})` : '');
  return [id, String(pid), shown, image || '-', exit, age];
}
