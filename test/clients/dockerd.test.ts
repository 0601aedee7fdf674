import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { busyboxEntries, makeBusyboxImage } from '../support/busybox-image.js';
import { calledMethods, checkCalls, TELLING_CALLS } from '../support/called-methods.js';
import { openDaemon } from '../support/daemon.js';
import { debianPackage } from '../support/debian-package.js';
import { type Dockerd, openDockerd } from '../support/dockerd.js';
import { eventually } from '../support/eventually.js';
import { HOST_PLATFORM, layerOf, tarOf } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

interface Programs {
  readonly dockerd: string;
  readonly docker: string;
}

test("dockerd, Debian's: load, run, exec, logs, exit codes, pause, stats and stop on our socket", async (t) => {
  const programs = await debianDocker(t);
  if (programs) await checkCalls('dockerd-20.10', await dailyWork(programs));
});

test("dockerd, Debian's: containers survive a restart of dockerd and one of our daemon, and what ended meanwhile is told", async (t) => {
  const programs = await debianDocker(t);
  if (programs) await checkCalls('dockerd-20.10', await restarts(programs));
});

test("dockerd, Debian's: pull from a registry, and build by its own builder and by BuildKit", async (t) => {
  const programs = await debianDocker(t);
  if (programs) await checkCalls('dockerd-20.10', await pullsAndBuilds(programs));
});

test('dockerd, a newer one', async (t) => {
  const dockerd = process.env.DOCKERD ?? '';
  if (dockerd === '') {
    t.skip('DOCKERD names no dockerd; give the path of one that has docker beside it');
    return;
  }
  const programs = { dockerd, docker: join(dockerd, '../docker') };
  await dailyWork(programs);
  await restarts(programs);
  await pullsAndBuilds(programs);
});

async function debianDocker(t: TestContext): Promise<Programs | undefined> {
  const found = await debianPackage('docker.io');
  if ('root' in found) {
    return { dockerd: join(found.root, 'usr/sbin/dockerd'), docker: join(found.root, 'usr/bin/docker') };
  }
  t.skip(found.missing);
  return undefined;
}

/** What `docker save` would have written of a busybox. */
async function savedBusybox(): Promise<Buffer> {
  const tar = await tarOf(await busyboxEntries());
  const config = {
    ...HOST_PLATFORM,
    config: { Cmd: ['sh'], Env: ['PATH=/bin:/usr/bin'] },
    rootfs: { type: 'layers', diff_ids: [layerOf(tar, 'none').diffId] },
  };
  const image = { Config: 'config.json', RepoTags: ['busybox:test'], Layers: ['one/layer.tar'] };
  return tarOf([
    { path: 'one/layer.tar', data: tar },
    { path: 'config.json', data: JSON.stringify(config) },
    { path: 'manifest.json', data: JSON.stringify([image]) },
  ]);
}

/** Calls docker and wants that exit code. @returns What it wrote. */
async function told(dockerd: Dockerd, code: number, ...args: readonly string[]): Promise<string> {
  const ran = await dockerd.docker(...args);
  const said = `${ran.stdout.toString()}${ran.stderr.toString()}`;
  assert.equal(ran.code, code, `docker ${args.join(' ')}: ${said}`);
  return said.trimEnd();
}

async function load(dockerd: Dockerd, dir: string): Promise<void> {
  const path = join(dir, 'busybox.tar');
  await writeFile(path, await savedBusybox());
  assert.match(await told(dockerd, 0, 'load', '-i', path), /Loaded image: busybox:test/);
}

const NONE = ['--network', 'none'] as const;
const LOOP = 'trap "exit 3" TERM; echo started; while :; do sleep 0.1; done';

async function dailyWork(programs: Programs): Promise<string[]> {
  await using daemon = await openDaemon({ config: TELLING_CALLS });
  await using dockerd = await openDockerd({ ...programs, containerd: daemon.address, dir: daemon.dir });
  await load(dockerd, daemon.dir);
  assert.equal(await told(dockerd, 0, 'run', '--rm', ...NONE, 'busybox:test', 'echo', 'hello'), 'hello');
  const host = ['run', '--rm', '--network', 'host', 'busybox:test'];
  assert.match(await told(dockerd, 0, ...host, 'ls', '/sys/class/net'), /lo/);
  assert.equal(await told(dockerd, 7, ...host, 'sh', '-c', 'echo err >&2; exit 7'), 'err');
  assert.match(await told(dockerd, 127, 'run', '--rm', ...NONE, 'busybox:test', 'nosuch'), /executable file not found/);
  assert.match(await told(dockerd, 126, 'run', '--rm', ...NONE, 'busybox:test', '/etc/passwd'), /permission denied/);

  await told(dockerd, 0, 'run', '-d', '--name', 'long', '--memory', '50m', ...NONE, 'busybox:test', 'sh', '-c', LOOP);
  await eventually(async () => assert.equal(await told(dockerd, 0, 'logs', 'long'), 'started'));
  assert.equal(await told(dockerd, 0, 'exec', 'long', 'echo', 'inside'), 'inside');
  await told(dockerd, 5, 'exec', 'long', 'sh', '-c', 'exit 5');
  await told(dockerd, 126, 'exec', 'long', 'nosuch');
  assert.match(await told(dockerd, 0, 'top', 'long'), /sh -c trap/);
  assert.match(await told(dockerd, 0, 'stats', '--no-stream', 'long'), /\/ 50MiB/);
  await told(dockerd, 0, 'update', '--memory', '60m', '--memory-swap', '60m', 'long');
  await told(dockerd, 0, 'pause', 'long');
  assert.match(await told(dockerd, 0, 'ps'), /Paused/);
  await told(dockerd, 0, 'unpause', 'long');
  await told(dockerd, 0, 'stop', 'long');
  const state = ['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'long'];
  assert.equal(await told(dockerd, 0, ...state), 'exited 3');
  await told(dockerd, 0, 'start', 'long');
  await told(dockerd, 0, 'kill', 'long');
  await eventually(async () => assert.equal(await told(dockerd, 0, ...state), 'exited 137'));
  await told(dockerd, 0, 'rm', 'long');
  await assertNothingLeft({ ...dockerd.mine, dirs: [] });
  return calledMethods(daemon);
}

async function pullsAndBuilds(programs: Programs): Promise<string[]> {
  await using registry = await openRegistry();
  await using daemon = await openDaemon({ config: TELLING_CALLS });
  await using dockerd = await openDockerd({ ...programs, containerd: daemon.address, dir: daemon.dir });
  const name = await registry.push(await makeBusyboxImage(), 'busybox', '1');
  assert.match(await told(dockerd, 0, 'pull', name), /Downloaded newer image/);
  assert.equal(await told(dockerd, 0, 'run', '--rm', ...NONE, name, 'echo', 'pulled'), 'pulled');

  const context = join(daemon.dir, 'context');
  await mkdir(context);
  await writeFile(join(context, 'file'), 'of the context');
  const steps = [
    `FROM ${name}`,
    'COPY file /file',
    'RUN cat /file > /made && echo more >> /made',
    'CMD ["cat", "/made"]',
  ];
  await writeFile(join(context, 'Dockerfile'), `${steps.join('\n')}\n`);
  for (const kit of ['0', '1']) {
    const build = ['build', '-q', '--network', 'none', '-t', `built:${kit}`, context];
    const { code, stderr } = await dockerd.dockerWith({ DOCKER_BUILDKIT: kit }, ...build);
    assert.equal(code, 0, `DOCKER_BUILDKIT=${kit}: ${stderr.toString()}`);
    assert.equal(await told(dockerd, 0, 'run', '--rm', ...NONE, `built:${kit}`), 'of the contextmore');
  }
  const wrong = join(context, 'wrong');
  await writeFile(wrong, `FROM ${name}\nRUN exit 9\n`);
  const failed = await dockerd.dockerWith({ DOCKER_BUILDKIT: '0' }, 'build', '--network', 'none', '-f', wrong, context);
  assert.match(failed.stderr.toString() + failed.stdout.toString(), /returned a non-zero code: 9/);
  // BuildKit keeps its cgroup as long as dockerd runs.
  await assertNothingLeft({ ...dockerd.mine, dirs: [], cgroupNames: [] });
  return calledMethods(daemon);
}

async function restarts(programs: Programs): Promise<string[]> {
  await using daemon = await openDaemon({ config: TELLING_CALLS });
  await using dockerd = await openDockerd({ ...programs, containerd: daemon.address, dir: daemon.dir });
  await load(dockerd, daemon.dir);
  const run = (name: string, script: string): Promise<string> =>
    told(dockerd, 0, 'run', '-d', '--name', name, ...NONE, 'busybox:test', 'sh', '-c', script);
  const stateOf = (name: string): Promise<string> =>
    told(dockerd, 0, 'inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', name);
  await run('stays', LOOP);
  await run('ends', 'while [ ! -e /end ]; do sleep 0.1; done; exit 9');

  await dockerd.stop();
  await dockerd.start();
  assert.equal(await stateOf('stays'), 'running 0');
  assert.equal(await told(dockerd, 0, 'exec', 'stays', 'echo', 'again'), 'again');

  const pid = Number(await told(dockerd, 0, 'inspect', '--format', '{{.State.Pid}}', 'ends'));
  await daemon.kill();
  await writeFile(`/proc/${pid}/root/end`, '');
  await eventually(() => assert.throws(() => process.kill(pid, 0)));
  await daemon.start();
  await eventually(async () => assert.equal(await told(dockerd, 0, 'exec', 'stays', 'echo', 'there'), 'there'), 30_000);
  await eventually(async () => assert.equal(await stateOf('ends'), 'exited 9'), 30_000);
  await told(dockerd, 0, 'stop', 'stays');
  assert.equal(await stateOf('stays'), 'exited 3');
  await told(dockerd, 0, 'rm', 'stays', 'ends');
  await assertNothingLeft({ ...dockerd.mine, dirs: [] });
  return calledMethods(daemon);
}
