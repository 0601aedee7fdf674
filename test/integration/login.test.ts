import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { ioOf } from '../../src/cli/shared/node-io.js';
import { type CommandOptions, runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry, type Registry, type RegistryOptions } from '../support/registry.js';
import { REFRESH_TOKEN } from '../support/token-server.js';

interface Fixture extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly registry: Registry;
  readonly reference: string;
  /** Directory of `config.json`. */
  readonly home: string;
  run(args: readonly string[], options?: CommandOptions): Promise<Told>;
  readConfig(): Promise<Record<string, unknown>>;
  writeConfig(config: unknown): Promise<void>;
}

async function open(auth: RegistryOptions['auth']): Promise<Fixture> {
  const registry = await openRegistry(auth ? { auth } : {});
  const daemon = await openDaemon({ config: { log_level: 'debug' } });
  const image = makeImage({ layers: [await makeLayer([{ path: 'f', data: 'x' }])] });
  const home = join(daemon.dir, 'docker');
  await mkdir(home);
  const path = join(home, 'config.json');
  return {
    daemon,
    registry,
    reference: await registry.push(image, 'a/b'),
    home,
    run: (args, { env, ...options } = {}) =>
      runCommand(dist, daemon, args, { env: { DOCKER_CONFIG: home, HOME: daemon.dir, ...env }, ...options }),
    readConfig: async () => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>,
    writeConfig: (config) => writeFile(path, JSON.stringify(config)),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

for (const auth of ['basic', 'login'] as const) {
  test(`login, pull, logout at a registry with ${auth === 'basic' ? 'passwords' : 'tokens'}`, async () => {
    await using f = await open(auth);
    const { host } = f.registry;
    const denied = await f.run(['pull', f.reference]);
    assert.equal(denied.code, 1);
    assert.match(denied.stderr, /^dist: .*denies access.*\n$/);

    const wrong = await f.run(['login', '-u', 'user', host], { stdin: 'wrong\n' });
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      /^dist: [^\n]*(does not accept the user and password|user or password are wrong)[^\n]*\n$/,
    );
    await assert.rejects(f.readConfig(), { code: 'ENOENT' });

    await f.writeConfig({ auths: { 'other.example': { auth: 'YTpi' } }, detachKeys: 'ctrl-x' });
    const right = await f.run(['login', '--user', 'user', '--password-stdin', host], { stdin: 'right\n' });
    assert.deepEqual([right.code, right.stderr], [0, '']);
    assert.deepEqual(await f.readConfig(), {
      auths: { 'other.example': { auth: 'YTpi' }, [host]: { auth: Buffer.from('user:right').toString('base64') } },
      detachKeys: 'ctrl-x',
    });
    assert.equal((await stat(join(f.home, 'config.json'))).mode & 0o777, 0o600);

    assert.equal((await f.run(['pull', f.reference])).code, 0);
    const fetched = await f.run(['fetch-object', f.reference]);
    assert.match(fetched.stdout, /"schemaVersion":2/);

    assert.equal((await f.run(['logout', host])).code, 0);
    assert.deepEqual((await f.readConfig())['auths'], { 'other.example': { auth: 'YTpi' } });
    assert.equal((await f.run(['fetch-object', f.reference])).code, 1);
    assert.equal((await f.run(['fetch-object', '--user', 'user', f.reference], { stdin: 'right' })).code, 0);
  });
}

test('a refresh token is changed for a token by POST', async () => {
  await using f = await open('login');
  await f.writeConfig({ auths: { [`http://${f.registry.host}/v1/`]: { identitytoken: REFRESH_TOKEN } } });
  const before = f.registry.tokenRequests.length;
  assert.equal((await f.run(['pull', f.reference])).code, 0);
  assert.deepEqual(f.registry.tokenRequests.slice(before), ['POST refresh_token']);
});

test('REGISTRY_AUTH_FILE: the login of the repository comes before that of the host', async () => {
  await using f = await open('basic');
  const path = join(f.home, 'auth.json');
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  const { host } = f.registry;
  await writeFile(path, JSON.stringify({ auths: { [host]: auth('user:wrong'), [`${host}/a`]: auth('user:right') } }));
  assert.equal((await f.run(['pull', f.reference], { env: { REGISTRY_AUTH_FILE: path } })).code, 0);
  await writeFile(path, '{ "auths": marker-of-the-file');
  const broken = await f.run(['fetch-object', f.reference], { env: { REGISTRY_AUTH_FILE: path } });
  assert.match(broken.stderr, /^dist: logins in .*auth\.json are no JSON object/);
  assert.doesNotMatch(broken.stderr, /marker/);
});

/** Keeps one login a server in files of its folder, as `docker-credential-pass` keeps them elsewhere. */
const HELPER = `#!/bin/sh
store="$(dirname "$0")/store"; echo "$0 $*" >>"$(dirname "$0")/called"; read -r line
case "$1" in
  get) test -f "$store" && cat "$store" || { echo "credentials not found in native keychain"; exit 1; } ;;
  store) printf '%s' "$line" >"$store" ;;
  erase) rm -f "$store" ;;
esac
`;

test('a credential helper keeps the login; the password is in no file of ours and in no command line', async () => {
  await using f = await open('basic');
  const helper = join(f.home, 'docker-credential-test');
  await writeFile(helper, HELPER);
  await chmod(helper, 0o755);
  await f.writeConfig({ credHelpers: { [f.registry.host]: 'test' }, credsStore: 'missing' });
  const real = ioOf(process, spawn);
  const options: CommandOptions = { spawn: (file, ...rest) => real.spawn(join(f.home, file), ...rest) };
  assert.equal((await f.run(['pull', f.reference], options)).code, 1);
  const login = await f.run(['login', '-u', 'user', f.registry.host], { ...options, stdin: 'right\n' });
  assert.deepEqual([login.code, login.stderr], [0, '']);
  assert.deepEqual(await f.readConfig(), { credHelpers: { [f.registry.host]: 'test' }, credsStore: 'missing' });
  assert.equal((await f.run(['pull', f.reference], options)).code, 0);
  assert.equal((await f.run(['logout', f.registry.host], options)).code, 0);
  assert.equal((await f.run(['fetch-object', f.reference], options)).code, 1);
  assert.doesNotMatch(await readFile(join(f.home, 'called'), 'utf8'), /right/);

  await f.writeConfig({ credsStore: 'missing' });
  const missing = await f.run(['fetch-object', f.reference], options);
  assert.match(missing.stderr, /^dist: .*docker-credential-missing can't be started/);
  await f.writeConfig({ credsStore: '../../bin/sh' });
  assert.match((await f.run(['fetch-object', f.reference], options)).stderr, /such a name is not run/);
});

test('a password is refused on the command line, and never shown', async () => {
  await using f = await open('basic');
  const secret = 'marker-of-the-password';
  const told: Told[] = [];
  told.push(await f.run(['pull', '--user', `user:${secret}`, f.reference]));
  assert.match(told[0]?.stderr ?? '', /give the password on stdin/);
  for (const args of [
    ['login', '-u', 'user', f.registry.host],
    ['--debug', 'pull', '-u', 'user', f.reference],
    ['--debug', 'fetch-object', '-u', 'user', f.reference],
  ]) {
    const failed = await f.run(args, { stdin: `${secret}\n` });
    assert.equal(failed.code, 1);
    told.push(failed);
  }
  const shown = JSON.stringify([told, f.daemon.log]);
  const encoded = Buffer.from(`user:${secret}`).toString('base64');
  for (const form of [secret, encoded]) assert.ok(!shown.includes(form), `${form} is shown`);
});

test('login where nobody asks, without a user, without a password, at no host', async () => {
  await using f = await open(undefined);
  const { host } = f.registry;
  for (const [args, stdin, message] of [
    [['login', '-u', 'me', host], 'x', /asks for no user and password/],
    [['login', host], 'x', /needs --user NAME/],
    [['login', '-u', 'me', host], '', /no password on stdin/],
    [['login', '-u', 'me', host], 'a\nb\n', /must be one line/],
    [['login', '-u', 'me', '../x'], 'x', /is no host of a registry/],
  ] as const) {
    const { code, stderr } = await f.run(args, { stdin });
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});
