import { DaemonError } from '../../base/errors.js';
import { collectGarbage, diskUsage } from '../../client/disk-usage.js';
import { removeImage } from '../../client/images.js';
import { forEach } from '../shared/arguments.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { oneLine } from '../shared/out.js';
import { formatBytes } from '../shared/units.js';

export const prune = defineCommand({
  usage: 'prune',
  summary: 'Remove all images that no container of the namespace uses, and what only they kept',
  details: 'Without --force it tells which ones these are, and removes none.',
  options: {
    force: flag('-f, --force', 'remove them'),
    json: flag('--json', 'the names as one JSON array'),
  },
  async run({ options, session, out, signal }) {
    const { images } = await diskUsage(session(), signal);
    const unused = images.filter(({ containers }) => containers.length === 0).map(({ name }) => name);
    const gone: string[] = [];
    const code = !options.force
      ? 0
      : await forEach(unused, out, async (name) => {
          try {
            // A container may have come since: then the image stays.
            await removeImage(session(), { name }, signal);
          } catch (error) {
            if (!(error instanceof DaemonError) || error.kind !== 'not-found') throw error;
          }
          gone.push(name);
        });
    const told = options.force ? gone : unused;
    if (options.json) out.line(JSON.stringify(told));
    else for (const name of told) out.line(oneLine(name));
    const { size } = await collectGarbage(session(), { dryRun: !options.force, signal });
    if (options.json) return code;
    if (options.force) out.note(`${gone.length} images went, and ${formatBytes(size)} with them`);
    else if (unused.length > 0) out.note(`${unused.length} images are used by no container; --force removes them`);
    else out.note('every image is used by a container, or there is none');
    return code;
  },
});
