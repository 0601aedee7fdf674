import assert from 'node:assert/strict';
import { readdir, readFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { openFaultRegistry, type Answer, type Script } from '../support/fault-registry.js';
import { makeImage, makeLayer } from '../support/image.js';

const PASSWORD = 'marker-password';
const REFRESH = 'marker-refresh';
const TOKEN = 'marker-token';
const SIGNATURE = 'marker-signature';
const BASIC = Buffer.from(`me:${PASSWORD}`).toString('base64');
const SECRETS = [PASSWORD, REFRESH, TOKEN, SIGNATURE, BASIC];

interface Form {
  /** What `config.json` has of the host from the start. */
  readonly entry?: object;
  readonly challenge: 'Basic' | 'Bearer';
  /** `dist login` first; or the user with each pull. The password comes on stdin. */
  readonly by?: 'login' | 'user';
}

const FORMS: Readonly<Record<string, Form>> = {
  'a password': { entry: { auth: BASIC }, challenge: 'Basic' },
  'a password for a token': { entry: { auth: BASIC }, challenge: 'Bearer' },
  'a refresh token': { entry: { identitytoken: REFRESH }, challenge: 'Bearer' },
  'a login': { challenge: 'Basic', by: 'login' },
  'a login for a token': { challenge: 'Bearer', by: 'login' },
  'a user of one pull': { challenge: 'Basic', by: 'user' },
  'a user of one pull, for a token': { challenge: 'Bearer', by: 'user' },
};

const empty = (status: number, headers: Record<string, string>): Answer => ({ status, headers, body: Buffer.alloc(0) });

/** Asks for authorization, and sends blobs by way of a signed address. */
function guarded(host: string, challenge: 'Basic' | 'Bearer', signedStatus: number): Script {
  const wanted = challenge === 'Basic' ? `Basic ${BASIC}` : `Bearer ${TOKEN}`;
  return ({ uri, headers }, answer) => {
    if (uri.startsWith('/token')) {
      const body = Buffer.from(JSON.stringify({ token: TOKEN, access_token: TOKEN }));
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    }
    if (headers.authorization !== wanted) {
      return empty(401, { 'www-authenticate': `${challenge} realm="http://${host}/token",service="s"` });
    }
    if (uri === '/v2/') return empty(200, {});
    if (!uri.includes('/blobs/')) return answer;
    if (!uri.includes('?')) return empty(307, { location: `${uri}?sig=${SIGNATURE}` });
    return signedStatus === 200 ? answer : empty(signedStatus, {});
  };
}

/** Command lines of all processes. */
async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))).join('\n');
}

async function filesBelow(dirs: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const dir of dirs) {
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.push(await readFile(join(entry.parentPath, entry.name), 'latin1'));
    }
  }
  return texts.join('\n');
}

for (const [form, { entry, challenge, by }] of Object.entries(FORMS)) {
  test(`${form}: in no log, journal, error, file or command line`, async () => {
    await using registry = await openFaultRegistry();
    await using daemon = await openDaemon({ config: { log_level: 'debug' } });
    const reference = registry.add(makeImage({ layers: [await makeLayer([{ path: 'a', data: 'b' }])] }), 'a');
    const home = join(daemon.dir, 'docker');
    await mkdir(home);
    if (entry) await writeFile(join(home, 'config.json'), JSON.stringify({ auths: { [registry.host]: entry } }));
    const env = { DOCKER_CONFIG: home, HOME: daemon.dir };
    const lines: Promise<string>[] = [];
    const told: string[] = [];
    const dist = async (args: readonly string[], stdin?: string): Promise<boolean> => {
      const { code, stdout, stderr } = await runBuilt('dist', daemon, args, {
        env,
        ...(stdin !== undefined && { input: stdin }),
      });
      told.push(stdout.toString(), stderr.toString());
      return code === 0;
    };
    const serve = (status: number): void => {
      const script = guarded(registry.host, challenge, status);
      registry.script = (request, answer, count) => {
        lines.push(commandLines());
        return script(request, answer, count);
      };
    };
    if (by === 'login') {
      serve(200);
      assert.ok(await dist(['login', '--user', 'me', '--password-stdin', registry.host], `${PASSWORD}\n`), told.join());
    }
    const user = by === 'user' ? ['--user', 'me'] : [];
    // A server that fails is asked several times, which takes its time.
    for (const status of by ? [403, 200] : [403, 500, 200]) {
      serve(status);
      const done = await dist(['pull', '--json', ...user, reference], by === 'user' ? PASSWORD : undefined);
      assert.equal(done, status === 200, told.at(-1));
    }
    assert.ok(
      registry.seen.some(({ uri }) => uri.includes(SIGNATURE)),
      'the secrets were used',
    );
    const places = {
      'what the commands said': told.join('\n'),
      'the log': JSON.stringify(daemon.log),
      'files of the daemon, database and journal with them': await filesBelow([daemon.root, daemon.state]),
      'command lines': (await Promise.all(lines)).join('\n'),
    };
    assert.ok(places['what the commands said'].includes(registry.host));
    assert.ok(places['files of the daemon, database and journal with them'].includes(reference));
    assert.ok(places['command lines'].includes('pull'));
    for (const [place, text] of Object.entries(places)) {
      for (const secret of SECRETS) assert.ok(!text.includes(secret), `${secret} is in ${place}`);
    }
  });
}
