import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleFor, type Rule } from './policy.js';

const rule = (match: string): Rule => ({ match, require: 'accept', predicateTypes: [] });

test('policy: the first rule that fits counts, for a repository with any tag or for one tag', () => {
  const rules = [rule('docker.io/library/redis'), rule('registry.example/*:v*'), rule('registry.example/**')];
  const found = (name: string) => ruleFor(rules, name)?.match;
  assert.equal(found('docker.io/library/redis:7'), 'docker.io/library/redis');
  assert.equal(found(`docker.io/library/redis@sha256:${'0'.repeat(64)}`), 'docker.io/library/redis');
  assert.equal(found('registry.example/app:v1'), 'registry.example/*:v*');
  assert.equal(found('REGISTRY.example//x/../app:v1'), 'registry.example/*:v*');
  assert.equal(found('registry.example/app:w1'), 'registry.example/**');
  assert.equal(found('docker.io/library/rediss:7'), undefined);
});
