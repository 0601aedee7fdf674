import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_SCHEMA } from '../gen/client-schema.js';
import { WHOLE_SCHEMA } from '../gen/whole-schema.js';
import { isKind } from '../base/errors.js';
import { FlatSchema } from './flat-schema.js';
import { createMessages, isA, typeNameOf } from './messages.js';
import { plainCodecs } from './plain-codec.js';
import { Schema } from './schema.js';
import { messages, wholeSchema } from './whole.js';

void test('an Any has the bare name as type URL; the prefix of protobuf libraries is accepted', () => {
  const { type_url: typeUrl, value } = messages.pack('containerd.types.transfer.Progress', {
    event: 'done',
    progress: '5',
    total: '9007199254740993',
  });
  assert.deepEqual([typeUrl], ['containerd.types.transfer.Progress']);
  for (const prefix of ['', 'type.googleapis.com/']) {
    const any = { type_url: `${prefix}${typeUrl}`, value };
    const { event, progress, total } = messages.unpack('containerd.types.transfer.Progress', any);
    assert.deepEqual({ event, progress, total }, { event: 'done', progress: '5', total: '9007199254740993' });
  }
  const spec = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
  assert.equal(typeNameOf(spec), spec);
  assert.equal(
    isA({ type_url: 'other/containerd.types.Mount', value: Buffer.alloc(0) }, 'containerd.types.Mount'),
    false,
  );
});

void test('another type, nothing, or broken bytes are an invalid argument that names both', () => {
  const cases = [
    [null, /got nothing/],
    [{ type_url: '', value: Buffer.alloc(0) }, /got a message without type/],
    [{ type_url: 'a.B', value: Buffer.alloc(0) }, /expected a containerd\.types\.Mount, got a a\.B/],
    [{ type_url: 'containerd.types.Mount', value: Buffer.from('ff', 'hex') }, /bytes are no containerd\.types\.Mount/],
  ] as const;
  for (const [any, text] of cases) {
    assert.throws(
      () => messages.unpack('containerd.types.Mount', any),
      (error) => isKind(error, 'invalid-argument') && text.test((error as Error).message),
    );
  }
});

void test('the value of an Any crosses the wire byte for byte, known type or not', () => {
  const value = Buffer.from([...Array(256).keys(), 0, 0, 255]);
  for (const type of [
    'no.such.Type',
    'containerd.types.Mount',
    'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  ]) {
    const container = { id: 'x', spec: { type_url: type, value }, extensions: { e: { type_url: type, value } } };
    const codec = wholeSchema.codec('containerd.services.containers.v1.Container');
    const { spec, extensions } = codec.decode(codec.encode(container)) as typeof container;
    assert.deepEqual([spec.type_url, spec.value, extensions.e.value], [type, value, value]);
  }
});

void test('plain fields have times as text at any depth, and come back as they went', () => {
  const fields = {
    container_id: 'c1',
    id: 'c1',
    pid: 7,
    exit_status: 137,
    exited_at: '2026-11-22T08:00:00.000000001Z',
  };
  const bytes = messages.encodePlain('containerd.events.TaskExit', fields);
  assert.deepEqual(messages.decode('containerd.events.TaskExit', bytes).exited_at, { seconds: '1795334400', nanos: 1 });
  assert.deepEqual(messages.decodePlain('containerd.events.TaskExit', bytes), fields);
  const nested = {
    event: { type_url: 't', value: Buffer.from('x') },
    timestamp: '1970-01-01T00:00:00Z',
    namespace: 'n',
    topic: '/t',
  };
  assert.deepEqual(
    messages.decodePlain('containerd.types.Envelope', messages.encodePlain('containerd.types.Envelope', nested)),
    nested,
  );
  assert.throws(
    () => messages.encodePlain('no.such.Type', {}),
    (error) => isKind(error, 'unimplemented'),
  );
});

void test('maps, defaults, empty messages and unset optional fields are told apart', () => {
  const codec = wholeSchema.codec('wharfd.services.execution.v1.ContainerSummary');
  const unset = codec.decode(Buffer.alloc(0)) as Record<string, unknown>;
  assert.deepEqual([unset.id, unset.labels, unset.exited_at, unset.exit_status], ['', {}, null, undefined]);
  const labels = JSON.parse('{"a.b/c":"","__proto__x":"y"}') as object;
  const set = codec.decode(codec.encode({ exit_status: 0, labels, exited_at: {} })) as Record<string, unknown>;
  assert.deepEqual([set.exit_status, set.labels, set.exited_at], [0, labels, { seconds: '0', nanos: 0 }]);
});

void test('the schema of the clients agrees with the whole one on what it has', () => {
  const small = new Schema(CLIENT_SCHEMA, plainCodecs);
  assert(small.services().includes('wharfd.services.attach.v1.AttachService'));
  const { types } = new FlatSchema(CLIENT_SCHEMA);
  const { types: all } = new FlatSchema(WHOLE_SCHEMA);
  for (const name of types.names()) assert.deepEqual(types.get(name), all.get(name), name);
  for (const service of small.services())
    assert.deepEqual(small.methods(service), wholeSchema.methods(service), service);
  assert.throws(
    () => createMessages(small).decode('containerd.events.SandboxExit', Buffer.alloc(0)),
    (error) => isKind(error, 'unimplemented'),
  );
});
