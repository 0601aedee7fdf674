import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'prettier';
import { wholeSchema } from '../../src/rpc/whole.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

const INTRODUCTION = `# Compatibility

Every method of containerd's v1 API, whether it works here, and which clients call it. Which ones a client calls is recorded by the
tests that run it (test/clients); whether a method works is what a running daemon answers. \`scripts/compatibility.ts\` writes this page,
and a test fails when it is not current.
`;

/** What docs/compatibility.md has to be. */
export async function compatibilityPage(): Promise<string> {
  const api = await readFile(join(PACKAGE_ROOT, 'docs/api.md'), 'utf8');
  const missing = new Set([...api.matchAll(/^- `(\/[\w.]+\/\w+)`/gm)].map(([, path]) => path));
  const calls = await recordedCalls();
  const sections = wholeSchema
    .services()
    .filter((service) => service.startsWith('containerd.'))
    .map((service) => {
      const rows = wholeSchema.methods(service).map(({ path }) => {
        const clients = calls.filter(({ methods }) => methods.includes(path)).map(({ client }) => client);
        return `| ${path.split('/').at(-1) ?? ''} | ${missing.has(path) ? 'no' : 'yes'} | ${clients.join(', ')} |`;
      });
      return `## ${service}\n\n| method | works | called by |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
    });
  return await format([INTRODUCTION, ...sections].join('\n'), { parser: 'markdown', printWidth: 130 });
}

interface RecordedCalls {
  readonly client: string;
  readonly methods: readonly string[];
}

async function recordedCalls(): Promise<RecordedCalls[]> {
  const folder = join(PACKAGE_ROOT, 'test/clients/calls');
  const names = (await readdir(folder)).sort();
  return await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as RecordedCalls),
  );
}
