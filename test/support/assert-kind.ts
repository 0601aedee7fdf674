import assert from 'node:assert/strict';
import { type ErrorKind, kindOf, messageOf } from '../../src/base/errors.js';

/** Waits for `work` to fail with an error of that kind, whose message matches `message` if given. Returns the error. */
export async function assertRejectsWithKind(
  work: Promise<unknown>,
  kind: ErrorKind,
  message?: RegExp,
): Promise<unknown> {
  const error = await work.then(
    (value) => assert.fail(`expected ${kind}, got the value ${String(value)}`),
    (reason: unknown) => reason,
  );
  checkKind(error, kind, message);
  return error;
}

/** Calls `work`, which must throw an error of that kind, whose message matches `message` if given. Returns the error. */
export function assertThrowsWithKind(work: () => unknown, kind: ErrorKind, message?: RegExp): unknown {
  try {
    work();
  } catch (error) {
    checkKind(error, kind, message);
    return error;
  }
  assert.fail(`expected ${kind}, nothing was thrown`);
}

function checkKind(error: unknown, kind: ErrorKind, message?: RegExp): void {
  if (error instanceof assert.AssertionError) throw error;
  assert.equal(kindOf(error), kind, `expected ${kind}, got ${kindOf(error)}: ${messageOf(error)}`);
  if (message) assert.match(messageOf(error), message);
}
