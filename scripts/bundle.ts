/**
 * Bundles the daemon (build/daemon/main.js and worker.js with what they share; few files start faster and take less memory) and the
 * two command-line programs: build/cli/<name>.bundle.js (one CommonJS file by esbuild),
 * <name>.cache (V8's code cache of it, taken after a run, so that the functions of start-up are in it)
 * and <name>.cjs, the program itself, which loads the first with the help of the second.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { openEmptyAnswers } from './empty-answers.js';
import { SMALL_GRPC } from './small-grpc.js';

const OUT = 'build/cli';
/** Names stay, for stack traces: what keeps those of shortened functions costs a call for each closure that is made, 12 % of a small RPC. */
const MINIFY = { minifyWhitespace: true, minifySyntax: true } as const;
const PROGRAMS = ['dist', 'ctr'] as const;

/**
 * The program that users run. V8 itself refuses a cache of another version, of other flags or of another source; the
 * script is then compiled as if there were none. WHARFD_WARM names the file to which a build wants the cache written.
 */
function loader(name: string): string {
  return `'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script, constants } = require('node:vm');
const path = require('node:path');

const bundle = path.join(__dirname, '${name}.bundle.js');
const warm = process.env.WHARFD_WARM;
let cachedData;
if (!warm) {
  try {
    cachedData = readFileSync(path.join(__dirname, '${name}.cache'));
  } catch {
    // Without a cache it starts more slowly, and that is all.
  }
}
const source = readFileSync(bundle, 'latin1');
const script = new Script(source, {
  filename: bundle,
  cachedData,
  importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
if (warm) process.once('exit', () => writeFileSync(warm, script.createCachedData()));
script.runInThisContext()(module.exports, require, module, bundle, __dirname);
`;
}

/** What each program is asked for, so that its code cache has what a command takes; the more common it is, the better. */
const WARMING: Readonly<Record<(typeof PROGRAMS)[number], readonly string[]>> = {
  dist: ['pull', 'example.org/image:tag'],
  ctr: ['run', '--rm', '--id', 'warm', 'example.org/image:tag', 'true'],
};

/** Runs the program once and keeps what V8 compiled for it. Against a server of empty answers, of which it hardly makes anything. */
async function writeCodeCache(name: (typeof PROGRAMS)[number]): Promise<void> {
  const cache = join(OUT, `${name}.cache`);
  rmSync(cache, { force: true });
  await using server = await openEmptyAnswers();
  const args = [join(OUT, `${name}.cjs`), '--address', server.address, ...WARMING[name]];
  const env = { ...process.env, WHARFD_WARM: cache };
  const run = spawn(process.execPath, args, { env, stdio: 'ignore', timeout: 60_000 });
  await once(run, 'exit');
  if (server.calls === 0 || !existsSync(cache))
    throw new Error(`${name} does not run: see build/cli/${name}.cjs --help`);
}

rmSync('build/daemon', { recursive: true, force: true });
for (const name of PROGRAMS) {
  mkdirSync(OUT, { recursive: true });
  await build({
    entryPoints: [`src/cli/${name}/main.ts`],
    outfile: join(OUT, `${name}.bundle.js`),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    charset: 'ascii',
    ...MINIFY,
    legalComments: 'none',
    sourcemap: false,
    plugins: [SMALL_GRPC],
    banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
    footer: { js: '})' },
    logLevel: 'warning',
  });
  writeFileSync(join(OUT, `${name}.cjs`), loader(name), { mode: 0o755 });
  await writeCodeCache(name);
}

await build({
  entryPoints: ['src/daemon/main.ts', 'src/daemon/worker.ts'],
  outdir: 'build/daemon',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  ...MINIFY,
  legalComments: 'none',
  // Finds its native part beside itself.
  external: ['better-sqlite3'],
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
