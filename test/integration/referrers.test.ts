import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import type { Referrer } from '../../src/client/remotes.js';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeArtifact, makeImage, makeLayer } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';

const SIGNATURE = 'application/vnd.example.signature';
const BILL = 'application/vnd.example.bill';

const runner = (daemon: TestDaemon) => {
  const run = (...args: string[]) => runCommand(dist, daemon, args);
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const list = async (...args: string[]) => JSON.parse(await good('referrers', '--json', ...args)) as Referrer[];
  return { run, good, list };
};

async function made(registry: Registry) {
  const image = makeImage({ layers: [await makeLayer([{ path: 'f', data: 'x' }])] });
  return { image, reference: await registry.push(image, 'base') };
}

test('artifacts are pulled and pushed whole, and a registry without the API keeps their list under a tag', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const { run, good, list } = runner(daemon);
  const { image, reference } = await made(registry);
  assert.deepEqual(await list(reference), []);
  assert.equal(await good('referrers', reference), 'DIGEST  TYPE  SIZE\n');

  const artifacts = [makeArtifact(SIGNATURE, 'one', image.target), makeArtifact(BILL, 'two', image.target)];
  for (const [at, artifact] of artifacts.entries()) {
    const from = await registry.push(artifact, `elsewhere/a${at}`);
    await good('pull', '--quiet', from);
    const to = `${registry.host}/base:artifact-${at}`;
    await good('push', from, to);
    await good('push', from, to);
    const raw = await good('manifest', '--remote', to);
    assert.equal(raw, artifact.manifests[0]?.bytes.toString());
    const [layer] = (JSON.parse(raw) as { layers: { digest: string }[] }).layers;
    assert.equal(await good('fetch-object', `${registry.host}/base@${layer?.digest ?? ''}`), ['one', 'two'][at]);
  }
  const all = await list(reference);
  assert.deepEqual(
    all.map(({ digest, artifactType, size, annotations }) => [digest, artifactType, size, annotations]),
    artifacts.map(({ target }, at) => [
      target.digest,
      [SIGNATURE, BILL][at],
      target.size,
      { 'org.example.of': ['one', 'two'][at] },
    ]),
  );
  assert.deepEqual(await list('--artifact-type', BILL, reference), all.slice(1));
  assert.equal(
    await good('referrers', '-q', `${registry.host}/base@${image.target.digest}`),
    all.map(({ digest }) => `${digest}\n`).join(''),
  );
  const missing = await run('referrers', `${registry.host}/nothing:here`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^dist: .*not found.*\n$/);
});

/** Stands before a registry, with a referrers API of two pages. */
async function withApi(registry: Registry, entries: readonly (Descriptor & { artifactType: string })[]) {
  const asked: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://registry');
    asked.push(`${request.method ?? ''} ${url.pathname}${url.search}`);
    if (url.pathname.includes('/referrers/')) {
      const second = url.searchParams.has('page');
      const manifests = second ? entries.slice(1) : entries.slice(0, 1);
      response.writeHead(200, {
        'content-type': 'application/vnd.oci.image.index.v1+json',
        ...(second ? {} : { link: `<${url.pathname}?page=2>; rel="next"` }),
      });
      response.end(
        JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
      );
      return;
    }
    const [host, port] = registry.host.split(':');
    const passed = httpRequest(
      { host, port, path: request.url, method: request.method, headers: request.headers },
      (theirs) => {
        const known = request.method === 'PUT' && url.pathname.includes('/manifests/');
        response.writeHead(theirs.statusCode ?? 502, {
          ...theirs.headers,
          ...(known && { 'oci-subject': 'sha256:0' }),
        });
        theirs.pipe(response);
      },
    );
    request.pipe(passed);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('the referrers API: page by page, filtered, and nothing is written by hand where the registry lists by itself', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const { good, list } = runner(daemon);
  const { image } = await made(registry);
  const artifacts = [makeArtifact(SIGNATURE, 'one', image.target), makeArtifact(BILL, 'two', image.target)];
  const entries = artifacts.map(({ target }, at) => ({ ...target, artifactType: [SIGNATURE, BILL][at] ?? '' }));
  await using front = await withApi(registry, entries);
  const found = await list(`${front.host}/base:latest`);
  assert.deepEqual(
    found.map(({ digest }) => digest),
    artifacts.map(({ target }) => target.digest),
  );
  assert.deepEqual(
    (await list('--artifact-type', BILL, `${front.host}/base:latest`)).map(({ artifactType }) => artifactType),
    [BILL],
  );
  assert.ok(front.asked.some((line) => line.endsWith(`?artifactType=${encodeURIComponent(BILL)}`)));
  const from = await registry.push(artifacts[0] ?? assert.fail(), 'elsewhere');
  await good('pull', '--quiet', from);
  await good('push', from, `${front.host}/base:signature`);
  assert.deepEqual(
    front.asked.filter((line) => line.startsWith('PUT') && line.includes('/manifests/sha256-')),
    [],
  );
});
