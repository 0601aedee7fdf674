import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeLayer, type Image } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { BUNDLE_TYPE, bundleArtifact, makeSigningKey, openAuthority } from '../support/signing.js';
import { tempDir } from '../support/temp-dir.js';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const ISSUER = 'https://issuer.test';
const IDENTITY = 'https://code.test/team/app/release@refs/heads/main';

interface Made {
  readonly image: Image;
  readonly reference: string;
}

/** An image of its own, with signatures that its registry lists. */
async function put(registry: Registry, name: string, sign: (target: Descriptor) => unknown): Promise<Made> {
  const image = makeImage({ layers: [await makeLayer([{ path: 'name', data: name }])] });
  const reference = await registry.push(image, name);
  const bundles = [await sign(image.target)].flat() as (object | string | undefined)[];
  const manifests: object[] = [];
  for (const bundle of bundles) {
    if (bundle === undefined) continue;
    const artifact = bundleArtifact(bundle, image.target);
    await registry.push(artifact, name, `bundle-${manifests.length}`);
    manifests.push({ ...artifact.target, artifactType: BUNDLE_TYPE });
  }
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  const answer = await fetch(`http://${registry.host}/v2/${name}/manifests/${image.target.digest.replace(':', '-')}`, {
    method: 'PUT',
    headers: { 'content-type': INDEX },
    body: new Uint8Array(list),
  });
  assert.equal(answer.status, 201);
  return { image, reference };
}

const pull = (daemon: TestDaemon, reference: string) => runCommand(dist, daemon, ['pull', '--quiet', reference]);

async function assertAccepted(daemon: TestDaemon, { reference, image }: Made): Promise<void> {
  const { code, stdout, stderr } = await pull(daemon, reference);
  assert.equal(code, 0, stderr);
  assert.ok(stdout.includes(image.target.digest), stdout);
}

/** One line of error, no layer asked for, and nothing left in the store. */
async function assertRefused(
  daemon: TestDaemon,
  registry: Registry,
  { reference, image }: Made,
  why: RegExp,
): Promise<void> {
  const { code, stdout, stderr } = await pull(daemon, reference);
  assert.equal(code, 1, stdout);
  assert.match(stderr, why);
  assert.ok(stderr.includes(`${reference} (${image.target.digest}) is refused: `), stderr);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  const layers = [...image.blobs.keys()];
  assert.ok(
    !registry.answered.some(({ uri }) => layers.some((digest) => uri.includes(digest)) && !uri.includes('upload')),
  );
  const listed = await runCommand(dist, daemon, ['list']);
  assert.ok(!listed.stdout.includes(image.target.digest), listed.stdout);
  const images = await runCommand(dist, daemon, ['images']);
  assert.ok(!images.stdout.includes(reference), images.stdout);
}

test('images are pulled when the key of their rule has signed them, and refused before any layer otherwise', async (t) => {
  const dir = await tempDir(t);
  const keyFile = join(dir.path, 'team.pub');
  const team = makeSigningKey();
  const other = makeSigningKey();
  await writeFile(keyFile, team.pem);
  await using registry = await openRegistry();
  const { host } = registry;
  const rule = [
    { match: `${host}/free/**`, require: 'accept' },
    { match: `${host}/closed/**`, require: 'reject' },
    { match: `${host}/lost/**`, require: 'signature', key: join(dir.path, 'lost.pub') },
    { match: `${host}/team/**`, require: 'signature', key: keyFile },
  ];
  await using daemon = await openDaemon({ config: { verification: { rule } } });
  await assertAccepted(daemon, await put(registry, 'free/app', () => undefined));
  await assertAccepted(daemon, await put(registry, 'team/good', ({ digest }) => team.sign(digest)));
  const second = await put(registry, 'team/second', ({ digest }) => ['{', other.sign(digest), team.sign(digest)]);
  await assertAccepted(daemon, second);

  const refused = async (name: string, sign: Parameters<typeof put>[2], why: RegExp) =>
    assertRefused(daemon, registry, await put(registry, name, sign), why);
  const good = await put(registry, 'team/model', () => undefined);
  await refused('team/wrong', ({ digest }) => other.sign(digest), /signature verification failed/);
  await refused(
    'team/unsigned',
    () => undefined,
    /rule ".*\/team\/\*\*" asks for a signature by the key .*none at all/,
  );
  await refused('team/another', () => team.sign(good.image.target.digest), /is about another image/);
  await refused('team/attested', ({ digest }) => team.sign(digest, 'https://example.test/scan'), /of the type https:/);
  await refused(
    'team/tampered',
    ({ digest }) => {
      const signed = team.sign(good.image.target.digest);
      const envelope = signed['dsseEnvelope'] as { payload: string };
      const payload = Buffer.from(envelope.payload, 'base64').toString();
      const swapped = payload.replace(good.image.target.digest.slice(7), digest.slice(7));
      return { ...signed, dsseEnvelope: { ...envelope, payload: Buffer.from(swapped).toString('base64') } };
    },
    /signature verification failed/,
  );
  await refused('team/junk', () => ['[]', '{"mediaType":1}', 'x'.repeat(2_000_000)], /more than the 1048576 allowed/);
  await refused('closed/app', ({ digest }) => team.sign(digest), /lets nothing in/);
  await refused('lost/app', ({ digest }) => team.sign(digest), /the key .*lost\.pub can't be used/);
  await refused('unknown/app', ({ digest }) => team.sign(digest), /no rule of \[verification\] fits/);
});

test('images are pulled when the identity of their rule has signed them, by a trust root of our own', async (t) => {
  const dir = await tempDir(t);
  const ours = await openAuthority(join(dir.path, 'ours.json'));
  const theirs = await openAuthority(join(dir.path, 'theirs.json'));
  await using registry = await openRegistry();
  const identity = 'https://code.test/team/*/release@refs/heads/*';
  const signers = { require: 'signature', issuer: ISSUER, identity, trust_root: ours.trustRoot };
  const rule = [{ match: '**', ...signers }];
  await using daemon = await openDaemon({ config: { verification: { rule } } });
  await assertAccepted(daemon, await put(registry, 'good', ({ digest }) => ours.sign(digest, IDENTITY, ISSUER)));
  const refused = async (name: string, sign: Parameters<typeof put>[2], why: RegExp) =>
    assertRefused(daemon, registry, await put(registry, name, sign), why);
  const stranger = `${IDENTITY}/x`;
  await refused('identity', ({ digest }) => ours.sign(digest, stranger, ISSUER), /the signer is https:.*main\/x/);
  await refused('issuer', ({ digest }) => ours.sign(digest, IDENTITY, `${ISSUER}.evil`), /the issuer of the signer is/);
  await refused('outside', ({ digest }) => theirs.sign(digest, IDENTITY, ISSUER), /certificate/i);
  await refused('key', ({ digest }) => makeSigningKey().sign(digest), /signed by a key/);
  await refused(
    'unlogged',
    async ({ digest }) => {
      const signed = await ours.sign(digest, IDENTITY, ISSUER);
      return { ...signed, verificationMaterial: { ...signed.verificationMaterial, tlogEntries: [] } };
    },
    /refused/,
  );
  await refused(
    'replayed',
    async ({ digest }) => {
      const signed = await ours.sign(digest, IDENTITY, ISSUER);
      const [entry] = signed.verificationMaterial.tlogEntries;
      return {
        ...signed,
        verificationMaterial: { ...signed.verificationMaterial, tlogEntries: Array(100).fill(entry) },
      };
    },
    /100 entries of logs/,
  );
});

const PROGRAMS = {
  accept: 'cat > "$(dirname "$0")/../asked"; printf "%s " "$@" >> "$(dirname "$0")/../asked"; echo fine',
  reject: 'echo "not on $4"; exit 3',
  hang: 'exec sleep 1000',
  flood: 'exec yes',
} as const;

for (const [name, why] of [
  ['accept', undefined],
  ['reject', /the verifier reject says no \(exit code 3\): not on sha256:/],
  ['hang', /the verifier hang gave no answer \(.*1000 ms/],
  ['flood', /the verifier flood gave no answer \(.*bytes/],
] as const) {
  test(`a verifier program that is made to ${name}`, async (t) => {
    const dir = await tempDir(t);
    const bin = join(dir.path, 'bin');
    await mkdir(bin);
    const file = join(bin, name);
    await writeFile(file, `#!/bin/sh\n${PROGRAMS[name]}\n`);
    await chmod(file, 0o755);
    await using registry = await openRegistry();
    const verification = { bin_dir: bin, per_verifier_timeout: 1, max_verifiers: 1 };
    await using daemon = await openDaemon({ config: { verification } });
    const made = await put(registry, 'app', () => undefined);
    if (why !== undefined) {
      await assertRefused(daemon, registry, made, why);
      return;
    }
    await assertAccepted(daemon, made);
    const asked = await readFile(join(dir.path, 'asked'), 'utf8');
    const { mediaType, digest, size } = made.image.target;
    assert.equal(
      asked,
      `${JSON.stringify({ mediaType, digest, size })}-name ${made.reference} -digest ${digest} -stdin-media-type application/vnd.oci.descriptor.v1+json `,
    );
    await writeFile(join(bin, 'second'), '');
    await assertRefused(daemon, registry, await put(registry, 'more', () => undefined), /2 verifiers, more than the 1/);
  });
}
