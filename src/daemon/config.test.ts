import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { kindOf } from '../base/errors.js';
import { defaultConfigText, loadConfig } from './config.js';

function configFile(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'wharfd-config-'));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  const path = join(dir, 'config.toml');
  writeFileSync(path, text);
  return path;
}

test('the default text reads back as the defaults', (t) => {
  const path = configFile(t, defaultConfigText());
  const config = loadConfig(path);
  assert.equal(config.root, '/var/lib/wharfd');
  assert.equal(config.grpc.address, '/run/wharfd/wharfd.sock');
  assert.equal(config.reaper, 'monitor');
});

test('flags beat the file, and leave its other keys', (t) => {
  const path = configFile(t, 'root = "/srv/w"\n[grpc]\naddress = "/srv/a.sock"\ngid = 7\n');
  const config = loadConfig(path, { address: '/tmp/b.sock' });
  assert.deepEqual(config.grpc, { address: '/tmp/b.sock', gid: 7 });
  assert.equal(config.root, '/srv/w');
});

for (const [what, text, words] of [
  ['an unknown key', 'rot = "/x"', /rot/],
  ['a relative root', 'root = "x"', /root: must be an absolute path/],
  ['another reaper', 'reaper = "init"', /reaper/],
  ['what is no TOML', 'root = ', /no valid TOML/],
] as const) {
  test(`${what} is refused with the file and the key`, (t) => {
    const path = configFile(t, text);
    assert.throws(
      () => loadConfig(path),
      (error: unknown) => {
        assert.equal(kindOf(error), 'invalid-argument');
        assert.match(String(error), words);
        assert.ok(String(error).includes(path));
        return true;
      },
    );
  });
}

test('a file that was asked for must be there', () => {
  assert.throws(
    () => loadConfig('/nonexistent/wharfd.toml'),
    (error: unknown) => kindOf(error) === 'not-found',
  );
});
