import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '../base/errors.js';
import { firstRestartLabels, parseRestartPolicy, RESTART_LABELS, restartOf } from './restart-policy.js';

const refused = (error: unknown) => isKind(error, 'invalid-argument');
const { policy, status, count, explicitlyStopped } = RESTART_LABELS;

test('restart policies are read as docker and containerd write them', () => {
  for (const kind of ['no', 'always', 'unless-stopped', 'on-failure'] as const) {
    assert.deepEqual(parseRestartPolicy(kind), { kind });
  }
  assert.deepEqual(parseRestartPolicy('on-failure:3'), { kind: 'on-failure', maxRestarts: 3 });
  assert.deepEqual(parseRestartPolicy('on-failure:0'), { kind: 'on-failure' });
  for (const bad of ['', 'Always', 'on-failure:', 'on-failure:-1', 'on-failure:x', 'always:3', 'never', 'toString']) {
    assert.throws(() => parseRestartPolicy(bad), refused, bad);
  }
});

test('who is started again: by policy, exit status, count, a stop by the user, and the moment', () => {
  const cases: readonly (readonly [string, Record<string, string>, number | undefined, 'end' | 'boot', boolean])[] = [
    ['no', {}, 1, 'end', false],
    ['always', {}, 0, 'end', true],
    ['always', { [explicitlyStopped]: 'true' }, 0, 'end', false],
    ['always', { [explicitlyStopped]: 'true' }, 0, 'boot', true],
    ['always', { [status]: '' }, 0, 'boot', false],
    ['unless-stopped', {}, 0, 'boot', true],
    ['unless-stopped', { [explicitlyStopped]: 'true' }, 1, 'boot', false],
    ['on-failure', {}, 0, 'end', false],
    ['on-failure', {}, 3, 'end', true],
    ['on-failure', {}, undefined, 'boot', true],
    ['on-failure', { [explicitlyStopped]: 'true' }, 137, 'end', false],
    ['on-failure:2', { [count]: '1' }, 1, 'end', true],
    ['on-failure:2', { [count]: '2' }, 1, 'end', false],
    ['on-failure:2', { [count]: 'nonsense' }, 1, 'end', true],
  ];
  for (const [text, labels, exitStatus, moment, wanted] of cases) {
    const all = { [policy]: text, [status]: 'running', ...labels };
    assert.equal(restartOf(all, { exitStatus, moment }).wanted, wanted, JSON.stringify([all, exitStatus, moment]));
  }
  assert.equal(restartOf({}, { exitStatus: 1, moment: 'end' }).wanted, false);
});

test('what a container begins with: one that goes at its end has no policy', () => {
  const given = { a: 'b', [policy]: 'always' };
  assert.deepEqual(firstRestartLabels(given, { starts: true, removeOnExit: false }), { ...given, [status]: 'running' });
  assert.deepEqual(firstRestartLabels(given, { starts: false, removeOnExit: false }), given);
  assert.deepEqual(firstRestartLabels({ a: 'b' }, { starts: true, removeOnExit: true }), { a: 'b' });
  assert.throws(() => firstRestartLabels(given, { starts: true, removeOnExit: true }), refused);
  assert.throws(() => firstRestartLabels({ [policy]: 'x' }, { starts: true, removeOnExit: false }), refused);
});
