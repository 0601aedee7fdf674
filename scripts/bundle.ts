/**
 * Bundles the daemon (build/daemon/main.js and worker.js with what they share; few files start faster and take less memory) and the
 * two command-line programs: build/cli/<name>.bundle.js (one CommonJS file by esbuild),
 * <name>.cache (V8's code cache of it, taken after a run, so that the functions of start-up are in it)
 * and <name>.cjs, the program itself, which loads the first with the help of the second.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const OUT = 'build/cli';
/** Names stay, for stack traces: what keeps those of shortened functions costs a call for each closure that is made, 12 % of a small RPC. */
const MINIFY = { minifyWhitespace: true, minifySyntax: true } as const;
const PROGRAMS = ['dist', 'ctr'] as const;

/**
 * grpc-js would have proto-loader, and with it the parser of .proto files, for services of its own that say what it does (channelz); nobody
 * asks for these.
 */
const WITHOUT_PROTO_LOADER: Plugin = {
  name: 'without proto-loader',
  setup(bundle) {
    bundle.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, namespace: 'unused' }));
    bundle.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

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
const source = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(bundle, 'latin1') + '\\n})';
const script = new Script(source, {
  filename: bundle,
  cachedData,
  importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
if (warm) process.once('exit', () => writeFileSync(warm, script.createCachedData()));
script.runInThisContext()(module.exports, require, module, bundle, __dirname);
`;
}

/** Runs the program once against no daemon and keeps what V8 compiled for it. */
function writeCodeCache(name: string): void {
  const cache = join(OUT, `${name}.cache`);
  rmSync(cache, { force: true });
  const run = spawnSync(
    process.execPath,
    [
      join(OUT, `${name}.cjs`),
      '--address',
      join(process.cwd(), OUT, 'no-such.sock'),
      '--connect-timeout',
      '1s',
      'list',
    ],
    { env: { ...process.env, WHARFD_WARM: cache }, encoding: 'utf8', timeout: 60_000 },
  );
  if (run.error) throw new Error(`running ${name} for its code cache: ${run.error.message}`, { cause: run.error });
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
    plugins: [WITHOUT_PROTO_LOADER],
    logLevel: 'warning',
  });
  writeFileSync(join(OUT, `${name}.cjs`), loader(name), { mode: 0o755 });
  writeCodeCache(name);
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
