import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProxies, proxiesOfEnvironment } from './proxies.js';

const [HTTP, HTTPS] = ['http://plain.example:3128/', 'http://user:secret@proxy.example:3129/'];

function chosen(no: string, url: string): string | undefined {
  return createProxies({ http: HTTP, https: HTTPS, no }).proxyFor(new URL(url))?.href;
}

test('each protocol has its proxy; this machine itself has none', () => {
  assert.equal(chosen('', 'http://registry.example/v2/'), HTTP);
  assert.equal(chosen('', 'https://registry.example:5000/v2/'), HTTPS);
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9:5000', '[::1]:5000']) {
    assert.equal(chosen('', `https://${host}/v2/`), undefined, host);
  }
  assert.equal(
    createProxies({ http: '', https: HTTPS, no: '' }).proxyFor(new URL('http://registry.example')),
    undefined,
  );
  const bare = createProxies({ http: 'proxy.example:8080', https: '', no: '' });
  assert.equal(bare.proxyFor(new URL('http://registry.example'))?.href, 'http://proxy.example:8080/');
});

test('hosts that are reached without', () => {
  const cases: readonly (readonly [no: string, host: string, without: boolean])[] = [
    ['registry.example', 'registry.example', true],
    ['registry.example', 'a.registry.example', true],
    ['registry.example', 'notregistry.example', false],
    ['.registry.example', 'a.registry.example', true],
    ['.registry.example', 'registry.example', false],
    ['*.registry.example', 'a.registry.example', true],
    ['other.example, registry.example', 'registry.example', true],
    ['other.example registry.example', 'registry.example', true],
    ['REGISTRY.example', 'registry.EXAMPLE', true],
    ['registry.example:5000', 'registry.example:5000', true],
    ['registry.example:5000', 'registry.example:5001', false],
    ['registry.example:443', 'registry.example', true],
    ['192.0.2.7', '192.0.2.7:5000', true],
    ['192.0.2.7', '192.0.2.77', false],
    ['192.0.2.0/24', '192.0.2.77', true],
    ['192.0.2.0/24', '192.0.3.77', false],
    ['192.0.2.0/24', 'registry.example', false],
    ['2001:db8::/32', '[2001:db8::5]:5000', true],
    ['2001:db8::5', '[2001:db8::5]', true],
    ['[2001:db8::5]:5000', '[2001:db8::5]:5000', true],
    ['[2001:db8::5]:5000', '[2001:db8::5]:5001', false],
    ['*', 'anything.example', true],
    ['', 'registry.example', false],
    [',,', 'registry.example', false],
  ];
  for (const [no, host, without] of cases) {
    assert.equal(chosen(no, `https://${host}/v2/`) === undefined, without, `${no} for ${host}`);
  }
});

test('the environment, in capitals or not; what is no proxy is refused without telling the password', () => {
  assert.deepEqual(proxiesOfEnvironment({ HTTPS_PROXY: 'a', http_proxy: 'b', NO_PROXY: 'c', no_proxy: 'd' }), {
    https: 'a',
    http: 'b',
    no: 'c',
  });
  for (const address of ['socks5://user:secret@proxy.example', 'http://', 'http://user:secret@:80']) {
    assert.throws(() => createProxies({ http: '', https: address, no: '' }), {
      kind: 'invalid-argument',
      message: /^(?!.*secret).* for https .*HTTPS_PROXY.*(no URL|socks5:).*http:\/\/proxy\.example:3128$/,
    });
  }
});
