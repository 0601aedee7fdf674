import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOnVersion } from './runtime-version.js';

test('versions of runtimes with known ways out of a container are warned of, others are not', () => {
  const cases = [
    [
      'runc version 1.1.5+ds1\ncommit: x',
      /^runc 1\.1\.5\+ds1 has .*CVE-2025-31133.*CVE-2024-21626.*unless your distribution.*1\.4\.0 or newer$/,
    ],
    ['runc version 1.1.12', /^runc 1\.1\.12 has known ways out of a container \(CVE-2025-31133[^;]*\): install/],
    ['runc version 1.2.7', /CVE-2025-31133/],
    ['runc version 1.3.2-rc.1', /CVE-2025-31133/],
    ['crun version 1.8.1', /^crun 1\.8\.1 .*CVE-2025-24965.*1\.20 or newer$/],
  ] as const;
  for (const [text, message] of cases) assert.match(adviceOnVersion(text) ?? '', message, text);
  for (const text of [
    'runc version 1.2.8',
    'runc version 1.3.3',
    'runc version 1.4.0',
    'runc version 1.5.1',
    'runc version 2.0.0',
  ]) {
    assert.equal(adviceOnVersion(text), undefined, text);
  }
  for (const text of ['crun version 1.20', 'crun version 1.21.1', 'youki version 0.1', '']) {
    assert.equal(adviceOnVersion(text), undefined, text);
  }
});
