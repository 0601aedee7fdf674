import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { parseUser, resolveUser } from './container-user.js';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  '# comment',
  'redis:x:999:998:Redis:/data:/usr/sbin/nologin',
  'bad:x:4294967296:0::/:',
  'worse:x:-1:0::/:',
].join('\n');
const GROUP = ['root:x:0:', 'redis:x:998:', 'disk:x:6:root,redis', 'audio:x:29:redisx,redis', 'bad:x:0x1:'].join('\n');

const resolve = (text: string) => resolveUser(parseUser(text), PASSWD, GROUP);

test('every form of USER, with the groups of the rootfs', () => {
  assert.deepEqual(resolve(''), { uid: 0, gid: 0, additionalGids: [0, 6] });
  assert.deepEqual(resolve('root'), resolve(''));
  assert.deepEqual(resolve('redis'), { uid: 999, gid: 998, additionalGids: [6, 29, 998] });
  assert.deepEqual(resolve('999'), resolve('redis'));
  assert.deepEqual(resolve('redis:disk'), { uid: 999, gid: 6, additionalGids: [6, 29] });
  assert.deepEqual(resolve('999:7'), { uid: 999, gid: 7, additionalGids: [6, 7, 29] });
  assert.deepEqual(resolve('1234'), { uid: 1234, gid: 0, additionalGids: [0] });
  assert.deepEqual(resolve('1234:5678'), { uid: 1234, gid: 5678, additionalGids: [5678] });
  assert.deepEqual(resolve('2147483647').uid, 2147483647);
});

test('digits are a number within bounds, and nothing falls back', () => {
  const refused = [
    '4294967296',
    '2147483648',
    '99999999999999999999',
    '-1',
    '+1',
    '1000:',
    ':1000',
    '1:2:3',
    'a b',
    'a\nb',
    '0:4294967296',
  ];
  for (const text of refused) assertThrowsWithKind(() => resolve(text), 'invalid-argument', /user/);
  assertThrowsWithKind(() => resolve('0x0'), 'invalid-argument', /"0x0" is not in the container's \/etc\/passwd/);
  assertThrowsWithKind(() => resolve('nobody'), 'invalid-argument', /\/etc\/passwd/);
  assertThrowsWithKind(() => resolve('redis:nogroup'), 'invalid-argument', /\/etc\/group/);
  for (const text of ['bad', 'worse', '0:bad'])
    assertThrowsWithKind(() => resolve(text), 'invalid-argument', /which is none/);
});

test('whatever the text and the files, the ids are in range or an error says why', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-z:]{0,12}$/));
  const file = fc.oneof(fc.string(), fc.stringMatching(/^([a-z]{0,3}:x:[0-9]{0,12}:[0-9]{0,12}:\n){0,4}$/));
  fc.assert(
    fc.property(text, file, file, (user, passwd, group) => {
      try {
        const { uid, gid, additionalGids = [] } = resolveUser(parseUser(user), passwd, group);
        for (const id of [uid, gid, ...additionalGids]) assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 31);
        if (uid === 0) assert.match(user, /^$|^0+(:|$)|^[^0-9:]/);
      } catch (error) {
        assert.equal((error as { kind?: string }).kind, 'invalid-argument');
      }
    }),
  );
});
