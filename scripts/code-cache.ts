import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openEmptyAnswers } from './empty-answers.js';
import { DEFAULT_LIMITS } from '../src/core/diff/applier.js';
import { rawTar } from '../src/selftest/raw-tar.js';

/** Above it a layer's gzip is taken off by a process (src/drivers/diff-tar/decompress.ts). */
const LARGE_BYTES = 1.5 * 1024 ** 2;

/**
 * A program that runs `<name>.bundle.js` beside itself with the help of V8's code cache, `<name>.cache`. V8 itself refuses a cache of
 * another version, of other flags or of another source; the script is then compiled as if there were none. WHARFD_WARM names the file
 * to which a build wants the cache written.
 *
 * @param keep Code that calls `write` when all has run that the cache is to have.
 */
export function loader(name: string, keep: string): string {
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
const write = () => writeFileSync(warm, script.createCachedData());
if (warm) ${keep};
script.runInThisContext()(module.exports, require, module, bundle, __dirname);
`;
}

/** Runs a command-line program once and keeps what V8 compiled for it. Against a server of empty answers, of which it hardly makes anything. */
export async function writeProgramCache(program: string, cache: string, command: readonly string[]): Promise<void> {
  rmSync(cache, { force: true });
  await using server = await openEmptyAnswers();
  await run([program, '--address', server.address, ...command], cache, 'ignore');
  if (server.calls === 0 || !existsSync(cache)) throw new Error(`${program} does not run: see ${program} --help`);
}

/** Has a worker thread of the daemon apply two layers, by the flags that the daemon has, and keeps what V8 compiled for it, if it can. */
export async function writeWorkerCache(worker: string, cache: string): Promise<void> {
  rmSync(cache, { force: true });
  const home = mkdtempSync(join(tmpdir(), 'wharfd-build-'));
  try {
    const tasks = join(home, 'tasks.json');
    writeFileSync(tasks, JSON.stringify(warmingTasks(home)));
    const flags = readFileSync('scripts/daemon-flags', 'utf8').trim().split(' ');
    const code = await run([...flags, 'scripts/warm-worker.mjs', worker, tasks], cache, 'inherit');
    // A machine that builds may lack what the daemon needs of a kernel.
    if (code !== 0)
      process.stderr.write(`${worker} gets no code cache, and starts more slowly: see what it says above\n`);
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function run(args: readonly string[], cache: string, stderr: 'ignore' | 'inherit'): Promise<number | null> {
  const env = { ...process.env, WHARFD_WARM: cache };
  const program = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', stderr], timeout: 60_000 });
  const [code] = (await once(program, 'exit')) as [number | null];
  return code;
}

/** What a pull asks of its workers, for a layer that zlib inflates and one that a process does. Whoever builds may not be root. */
function warmingTasks(home: string): readonly object[] {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const parts = [
    { name: 'dir/', type: '5', ...owner, mode: 0o755 },
    { name: 'dir/file', data: 'content', ...owner },
    { name: 'dir/link', type: '2', link: 'file', ...owner },
    { name: 'dir/name', type: '1', link: 'dir/file', ...owner },
    // Its directory is root's, as nobody describes it.
    ...(owner.uid === 0 ? [{ name: 'above/file', data: 'content', ...owner }] : []),
  ];
  const bytes = Buffer.alloc(LARGE_BYTES, 'bytes that fill a layer');
  const layers = [rawTar(...parts), rawTar(...parts, { name: 'large', data: bytes, ...owner })];
  return layers.flatMap((layer, at) => {
    const [blobPath, directory, file] = [
      join(home, `blob-${at}`),
      join(home, `layer-${at}`),
      join(home, `inventory-${at}`),
    ];
    const checksums = `${file}-checksums`;
    writeFileSync(blobPath, gzipSync(layer, { level: 0 }));
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    const request = {
      blobPath,
      mediaType,
      directory,
      form: 'overlay',
      limits: DEFAULT_LIMITS,
      inventory: { file, checksums },
    };
    const lower = [join(home, 'layer-0')];
    return [
      { make: directory, kind: 'apply-layer', request },
      { kind: 'tie-layer', directory, lower, deferred: [{ kind: 'root' }] },
      { kind: 'take-inventory', directory, file, known: checksums },
      { kind: 'measure-tree', directory },
    ];
  });
}
