import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaemonError } from '../../../base/errors.js';
import { ingestContent, readContent } from '../../../client/content.js';
import { digestOf, parseDigest } from '../../../spec/digest.js';
import { parseStrictJson } from '../../../spec/strict-json.js';
import { only } from '../arguments.js';
import { defineCommand, type Command, type CommandContext } from '../command.js';
import { flag, text } from '../options.js';

const MAX_BYTES = 64 * 1024 * 1024;

/** @param words `edit`, or `content edit`. @param program For the label that tells who keeps the new blob. */
export const editCommand = (program: 'dist' | 'ctr', words: string): Command =>
  defineCommand({
    usage: `${words} <digest>`,
    summary: 'Edit a stored blob with $EDITOR; prints the digest of the new blob',
    options: {
      validate: flag('--validate', 'refuse what is no JSON document'),
      editor: text('--editor <command>', 'in place of $VISUAL or $EDITOR'),
    },
    async run(context) {
      const { args, options, session, io, out, signal } = context;
      const digest = parseDigest(only(args));
      const before = await readAll(context, digest);
      const editor = options.editor ?? (io.env['VISUAL'] || io.env['EDITOR'] || 'vi');
      const after = await editBytes(context, editor, before);
      if (options.validate) parseStrictJson(after, 'the edited blob');
      const edited = digestOf(after);
      if (edited === digest)
        throw new DaemonError('failed-precondition', `blob ${digest} was not changed: nothing is stored`);
      const keptBy = `${program} ${words} ${digest}`;
      const request = { ref: `edit-${edited}`, size: after.length, digest: edited, keptBy, signal };
      out.line(await ingestContent(session(), request, once(after)));
      return 0;
    },
  });

async function readAll({ session, signal }: CommandContext<unknown>, digest: ReturnType<typeof parseDigest>) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of readContent(session(), digest, signal)) {
    size += bytes.length;
    if (size > MAX_BYTES) {
      throw new DaemonError(
        'out-of-range',
        `blob ${digest} is over ${MAX_BYTES} bytes: too large for an editor; read it by "dist get"`,
      );
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function editBytes({ io }: CommandContext<unknown>, editor: string, bytes: Uint8Array): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'dist-edit-'));
  try {
    const path = join(dir, 'blob.json');
    await writeFile(path, bytes, { mode: 0o600 });
    // As git does it: the variable may hold options too.
    const { code } = await io.spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path]);
    if (code !== 0)
      throw new DaemonError('aborted', `editor ${editor} ended with exit code ${code}: nothing is stored`);
    return await readFile(path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
