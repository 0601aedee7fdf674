import type { MountInfo } from '../core/kernel/mounts.js';

/** Undoes the octal escapes of proc(5): blanks, line ends and backslashes of a path are written as `\040` and the like. */
function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  const bytes = field.replace(/\\([0-7]{3})/gu, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return bytes;
}

/** The file is read as latin1, a character a byte, so that an escaped byte joins the others of its UTF-8 sequence. */
function fieldOf(raw: string | undefined): string {
  return Buffer.from(unescapeField(raw ?? ''), 'latin1').toString('utf8');
}

function parseLine(line: string): MountInfo {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  const [id, parentId, device = '', root, mountPoint, options] = fields;
  const [type, source, superOptions] = fields.slice(separator + 1);
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: fieldOf(root),
    mountPoint: fieldOf(mountPoint),
    options: fieldOf(options).split(','),
    propagation: fields.slice(6, separator),
    type: fieldOf(type),
    source: fieldOf(source),
    superOptions: fieldOf(superOptions).split(','),
  };
}

/** Parses /proc/<pid>/mountinfo. */
export function parseMountInfo(content: Buffer): MountInfo[] {
  return content
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}
