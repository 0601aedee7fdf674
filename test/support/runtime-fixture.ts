import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import type { CreateRequest, ProcessKey, Runtime, RuntimeProcess } from '../../src/core/execution/runtime.js';
import { createOciRuntime, type OciRuntimeSettings } from '../../src/drivers/runtime-oci/open-runtime.js';
import { createKernel } from '../../src/sys/kernel.js';
import { assertNothingLeft, killProcesses } from './leftovers.js';
import { PACKAGE_ROOT } from './package-root.js';
import { output, run } from './run.js';
import { tempDir } from './temp-dir.js';

export const kernel = createKernel();
export const MONITOR = join(PACKAGE_ROOT, 'build/native/wharfd-monitor');

/**
 * A program in `dir` that is the monitor built with ASan and UBSan. Its reports go to files beside it, since monitors have no stderr;
 * `down` throws if there is one.
 */
export async function sanitizedMonitor(down: Teardown, dir: string): Promise<string> {
  const [script, reports] = [join(dir, 'wharfd-monitor'), join(dir, 'reports')];
  await mkdir(reports);
  const options = `log_path=${reports}/report:detect_leaks=1`;
  const text = `#!/bin/sh\nASAN_OPTIONS=${options} UBSAN_OPTIONS=${options} exec ${MONITOR}-asan "$@"\n`;
  await writeFile(script, text, { mode: 0o755 });
  down.add(async () => {
    const found = await Promise.all((await readdir(reports)).map((name) => readFile(join(reports, name), 'utf8')));
    const faults = found.map((text) => text.replace(KILLED_WHILE_CHECKED, '')).filter((text) => text !== '');
    assert.deepEqual(faults, []);
  });
  return script;
}

/** What LeakSanitizer tells of a process that a test's end has killed while it looked for leaks: of the process's memory it says nothing. */
const KILLED_WHILE_CHECKED = /^==\d+==Unable to get registers from thread \d+\.\n/gm;

/** What of a spec a test wants to be otherwise. */
export interface SpecWishes {
  readonly terminal?: boolean;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly namespaces?: readonly string[];
  readonly memoryBytes?: number;
}

/** `asan`: monitors are the ones built with sanitizers. */
export type FixtureSettings = Partial<OciRuntimeSettings> & { readonly asan?: boolean };

/** One state directory with a busybox root file system; every container in a namespace of this test only. */
export interface RuntimeFixture {
  readonly dir: string;
  readonly state: string;
  readonly rootfs: string;
  readonly namespace: string;
  readonly runtime: Runtime;
  /** Another driver on the same state, as a restarted daemon has it. */
  reopen(): Runtime;
  key(containerId: string, execId?: string): ProcessKey;
  spec(containerId: string, args: readonly string[], wishes?: SpecWishes): Buffer;
  process(args: readonly string[], wishes?: SpecWishes): Buffer;
  /** Makes a container; streams go nowhere unless `request` says where. */
  create(
    containerId: string,
    args: readonly string[],
    request?: Partial<CreateRequest> & SpecWishes,
  ): Promise<RuntimeProcess>;
  fifo(name: string): Promise<string>;
  /** Deletes a container whose process has ended. */
  remove(process: RuntimeProcess): Promise<void>;
}

/** When the test ends, nothing of it may be left: no process, mount, cgroup or FIFO outside of the fixture's own. */
export async function runtimeFixture(t: TestContext, { asan, ...settings }: FixtureSettings): Promise<RuntimeFixture> {
  const down = new Teardown();
  t.after(() => down.run());
  const { path: dir } = down.own(await tempDir());
  const [state, rootfs, fifos] = [join(dir, 'state'), join(dir, 'busybox'), join(dir, 'fifos')];
  const namespace = `rt-${randomBytes(4).toString('hex')}`;
  await Promise.all([state, fifos].map((folder) => mkdir(folder)));
  await makeBusyboxTree(rootfs);
  const monitor = asan ? await sanitizedMonitor(down, dir) : MONITOR;
  const open = (): Runtime =>
    createOciRuntime(kernel, { state, binary: 'runc', reaper: 'monitor', monitor, ...settings }, SILENT);
  const runtime = open();
  const mine = { dirs: [state], cgroupNames: [namespace] };
  down.add(() => killProcesses(mine));
  down.add(() => assertNothingLeft(mine));
  down.add(() => removeAll(runtime));
  const spec: RuntimeFixture['spec'] = (containerId, args, wishes = {}) =>
    Buffer.from(JSON.stringify(makeSpec(`/${namespace}/${containerId}`, args, wishes)));
  const key: RuntimeFixture['key'] = (containerId, execId = '') => ({ namespace, containerId, execId });
  return {
    ...{ dir, state, rootfs, namespace, runtime, reopen: open, key, spec },
    process: (args, wishes = {}) => Buffer.from(JSON.stringify(makeProcess(args, wishes))),
    create: (containerId, args, { user, namespaces, memoryBytes, terminal = false, ...request } = {}) =>
      runtime.create({
        ...key(containerId),
        spec: spec(containerId, args, {
          ...{
            terminal,
            ...(user && { user }),
            ...(namespaces && { namespaces }),
            ...(memoryBytes && { memoryBytes }),
          },
        }),
        rootfs: [{ type: 'bind', source: rootfs, options: ['rbind', 'rw'] }],
        stdio: { stdin: '', stdout: '', stderr: '', terminal },
        options: {},
        ...request,
      }),
    fifo: async (name) => {
      const path = join(fifos, name);
      await output('mkfifo', [path]);
      return path;
    },
    remove: async (process) => {
      await process.exited;
      await runtime.delete({ ...process.key, execId: '' });
      await process.release();
    },
  };
}

/** Reads a FIFO to its end; the opening waits for a writer. */
export async function readAll(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function removeAll(runtime: Runtime): Promise<void> {
  for (const key of await runtime.inventory()) if (key.execId === '') await runtime.delete(key);
}

async function makeBusyboxTree(path: string): Promise<void> {
  for (const folder of ['bin', 'proc', 'dev', 'tmp']) await mkdir(join(path, folder), { recursive: true });
  await copyFile('/bin/busybox', join(path, 'bin/busybox'));
  const { stdout } = await run('/bin/busybox', ['--list']);
  for (const applet of stdout
    .toString()
    .split('\n')
    .filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('busybox', join(path, 'bin', applet));
  }
  await writeFile(join(path, 'random-out'), randomBytes(1 << 20));
  await writeFile(join(path, 'random-err'), randomBytes(1 << 20));
}

function makeProcess(args: readonly string[], { terminal = false, user = { uid: 0, gid: 0 } }: SpecWishes): object {
  const caps = ['CAP_KILL', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE'];
  return {
    ...{ terminal, user, args, env: ['PATH=/bin', 'TERM=xterm'], cwd: '/' },
    capabilities: { bounding: caps, effective: caps, permitted: caps },
  };
}

function makeSpec(cgroupsPath: string, args: readonly string[], wishes: SpecWishes): object {
  const { namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'], memoryBytes } = wishes;
  return {
    ociVersion: '1.0.2',
    process: makeProcess(args, wishes),
    root: { path: 'rootfs' },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: {
      cgroupsPath,
      namespaces: namespaces.map((type) => ({ type })),
      ...(memoryBytes && { resources: { memory: { limit: memoryBytes, swap: memoryBytes } } }),
    },
  };
}
