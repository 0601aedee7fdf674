import { HOST_PLATFORM } from '../../client/platforms.js';
import { parseImageConfig, type HistoryStep } from '../../spec/image-config.js';
import { parseManifest } from '../../spec/manifest.js';
import { defineCommand } from '../shared/command.js';
import { flag } from '../shared/options.js';
import { oneLine } from '../shared/out.js';
import { formatAge, formatBytes } from '../shared/units.js';
import { chosen, DOCUMENT_OPTIONS, openImage } from './image-documents.js';

const COMMAND_CHARACTERS = 60;

/** A step of an image's making, newest first, with the packed size of its layer. */
interface Step extends HistoryStep {
  readonly size: number;
}

export const history = defineCommand({
  usage: 'history <ref>',
  summary: "Tell how an image was made, newest step first; SIZE is that of the step's layer as it is packed",
  options: {
    ...DOCUMENT_OPTIONS,
    noTrunc: flag('--no-trunc', 'whole commands'),
    json: flag('--json', 'everything as one JSON array'),
  },
  async run(context) {
    const { options, out } = context;
    const { name, root, read } = await openImage(context);
    const manifest = await chosen(root, options.platform ?? HOST_PLATFORM, name, read);
    const { config, layers } = parseManifest(manifest.bytes, manifest.mediaType, name);
    const { history: told } = parseImageConfig(await read(config.digest), name);
    const steps = stepsOf(
      told,
      layers.map(({ size }) => size),
    );
    if (options.json) {
      out.line(JSON.stringify(steps));
      return 0;
    }
    out.table([
      ['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'],
      ...steps.map(({ created, createdBy, size, comment }) => [
        ageOf(created),
        cut(oneLine(createdBy), options.noTrunc),
        formatBytes(size),
        cut(oneLine(comment), options.noTrunc),
      ]),
    ]);
    return 0;
  },
});

/** An image need not tell of all its layers: those that are left have steps without words. */
function stepsOf(told: readonly HistoryStep[], sizes: readonly number[]): readonly Step[] {
  const left = [...sizes];
  const steps = told.map((step): Step => ({ ...step, size: step.emptyLayer ? 0 : (left.shift() ?? 0) }));
  const silent = { created: '', createdBy: '', author: '', comment: '', emptyLayer: false };
  return [...steps, ...left.map((size) => ({ ...silent, size }))].reverse();
}

function ageOf(created: string): string {
  const ms = Date.parse(created);
  return Number.isNaN(ms) ? '-' : `${formatAge(Date.now() - ms)} ago`;
}

function cut(text: string, whole: boolean): string {
  if (text === '') return '-';
  return whole || text.length <= COMMAND_CHARACTERS ? text : `${text.slice(0, COMMAND_CHARACTERS - 1)}…`;
}
