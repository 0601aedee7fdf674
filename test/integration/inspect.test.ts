import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { HOST_PLATFORM, makeImage, makeIndex, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';

test('pull of several images; inspect and manifest of what is here and of what is at the registry', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = (...args: readonly string[]) => runCommand(dist, daemon, args);
  const layers = [await makeLayer([{ path: 'f', data: 'x' }])];
  const mine = makeImage({ layers, settings: { Cmd: ['/f'] } });
  const index = makeIndex([makeImage({ layers, platform: { os: 'linux', architecture: 'riscv64' } }), mine]);
  const [one, two] = [await registry.push(index, 'one'), await registry.push(mine, 'two')];

  const quiet = await run('pull', '--quiet', one, `${registry.host}/none`, two);
  assert.equal(quiet.code, 1);
  assert.equal(quiet.stdout, `${one} ${index.target.digest}\n${two} ${mine.target.digest}\n`);
  assert.match(quiet.stderr, /none:latest: not found at [^\n]*\n$/);

  const json = await run('pull', '--json', '--no-unpack', two);
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(lines.at(-1), { name: two, digest: mine.target.digest });
  assert.ok(lines.length > 3);
  assert.ok(lines.slice(0, -1).every(({ key, event }) => typeof key === 'string' && event !== 'extracting'));
  assert.match((await run('pull', '--json', two)).stdout, /"event":"extracted"/);

  for (const where of [[], ['--remote']]) {
    const raw = await run('manifest', ...where, one);
    assert.equal(digestOf(raw.bytes.stdout), index.target.digest);
    const platform = `${HOST_PLATFORM.os}/${HOST_PLATFORM.architecture}`;
    const chosen = await run('manifest', ...where, '--platform', platform, one);
    assert.equal(digestOf(chosen.bytes.stdout), mine.target.digest);
    const told = JSON.parse((await run('inspect', ...where, one)).stdout) as Record<string, unknown>;
    const { name, digest, index: above, config } = told;
    assert.deepEqual([name, digest, above], [one, mine.target.digest, index.target.digest]);
    assert.deepEqual((config as { config: unknown }).config, { Cmd: ['/f'] });
    assert.match(
      (await run('inspect', ...where, '--platform', 'plan9/mips', one)).stderr,
      /no match for platform plan9\/mips/,
    );
    assert.equal((await run('inspect', ...where, `${registry.host}/none`)).code, 1);
  }
});
