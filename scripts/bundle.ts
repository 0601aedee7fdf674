/**
 * Bundles the daemon (build/daemon/main.js, and what it loads later), its worker threads and the two command-line programs: few files start
 * faster and take less memory. Of threads and programs there are <name>.bundle.js (one CommonJS file by esbuild), <name>.cache (V8's code
 * cache of it, taken after a run, so that what it usually does is in it) and <name>.cjs, which loads the first with the help of the second.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { loader, writeProgramCache, writeWorkerCache } from './code-cache.js';

const OUT = 'build/cli';
const DAEMON = 'build/daemon';
/** Names stay, for stack traces: what keeps those of shortened functions costs a call for each closure that is made, 12 % of a small RPC. */
const MINIFY = { minifyWhitespace: true, minifySyntax: true } as const;
const PROGRAMS = ['dist', 'ctr'] as const;

/** What each program is asked for, so that its code cache has what a command takes; the more common it is, the better. */
const WARMING: Readonly<Record<(typeof PROGRAMS)[number], readonly string[]>> = {
  dist: ['pull', 'example.org/image:tag'],
  ctr: ['run', '--rm', '--id', 'warm', 'example.org/image:tag', 'true'],
};

/**
 * Nothing in place of long, which compiles a module of WebAssembly when it is loaded: protobufjs' writer and reader do without, and
 * src/rpc/plain-codec.ts reads 64 bits itself.
 */
const WITHOUT_LONG: Plugin = {
  name: 'without long',
  setup(bundle) {
    bundle.onResolve({ filter: /^long$/ }, ({ path }) => ({ path, namespace: 'nothing' }));
    bundle.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** One file that a loader runs: a function of what a CommonJS module is given. */
const AS_FUNCTION = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  charset: 'ascii',
  ...MINIFY,
  legalComments: 'none',
  sourcemap: false,
  define: { 'import.meta.url': 'ownUrl' },
  banner: {
    js: "(function (exports, require, module, __filename, __dirname) { const ownUrl = require('node:url').pathToFileURL(__filename).href;",
  },
  footer: { js: '})' },
  logLevel: 'warning',
} as const;

rmSync(DAEMON, { recursive: true, force: true });
for (const name of PROGRAMS) {
  mkdirSync(OUT, { recursive: true });
  await build({
    ...AS_FUNCTION,
    entryPoints: [`src/cli/${name}/main.ts`],
    outfile: join(OUT, `${name}.bundle.js`),
    plugins: [WITHOUT_LONG],
  });
  const program = join(OUT, `${name}.cjs`);
  writeFileSync(program, loader(name, "process.once('exit', write)"), { mode: 0o755 });
  await writeProgramCache(program, join(OUT, `${name}.cache`), WARMING[name]);
}

await build({
  entryPoints: ['src/daemon/main.ts'],
  outdir: DAEMON,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  ...MINIFY,
  legalComments: 'none',
  // Finds its native part beside itself.
  external: ['better-sqlite3'],
  plugins: [WITHOUT_LONG],
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});

await build({
  ...AS_FUNCTION,
  entryPoints: ['src/daemon/worker.ts'],
  outfile: join(DAEMON, 'worker.bundle.js'),
  external: ['better-sqlite3'],
});
const KEEP =
  "require('node:worker_threads').parentPort.on('message', (message) => message === 'keep' && (write(), process.exit()))";
writeFileSync(join(DAEMON, 'worker.cjs'), loader('worker', KEEP));
// The name that the daemon's own module has beside it.
writeFileSync(join(DAEMON, 'worker.js'), "import './worker.cjs';\n");
await writeWorkerCache(join(DAEMON, 'worker.js'), join(DAEMON, 'worker.cache'));
