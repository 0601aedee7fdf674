import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESCRIPTORS } from '../gen/descriptors.js';
import { wholeSchema } from './whole.js';

interface Field {
  readonly name: string;
  readonly number: number;
  readonly label: string;
}

interface Message {
  readonly name: string;
  readonly field: readonly Field[];
  readonly nested_type: readonly Message[];
  readonly options: { readonly map_entry: boolean } | null;
}

interface File {
  readonly package: string;
  readonly message_type: readonly Message[];
  readonly service: readonly { readonly name: string; readonly method: readonly { readonly name: string }[] }[];
}

function* messagesOf(types: readonly Message[], scope: string): Iterable<readonly [string, Message]> {
  for (const type of types) {
    if (type.options?.map_entry) continue;
    yield [`${scope}.${type.name}`, type];
    yield* messagesOf(type.nested_type, `${scope}.${type.name}`);
  }
}

const { file: files } = wholeSchema
  .codec('google.protobuf.FileDescriptorSet')
  .decode(Buffer.from(DESCRIPTORS, 'base64')) as { file: readonly File[] };

void test('the schema of the codec has every message and field of the compiled descriptors', () => {
  let count = 0;
  for (const file of files) {
    if (file.package === 'google.protobuf') continue; // extended by ours
    for (const [name, message] of messagesOf(file.message_type, file.package)) {
      const { fields } = wholeSchema.message(name);
      const found = fields.map((field) => [field.name, field.id, field.repeated || field.map]);
      const wanted = message.field.map((field) => [field.name, field.number, field.label === 'LABEL_REPEATED']);
      assert.deepEqual(found.sort(), wanted.sort(), name);
      count += 1;
    }
  }
  assert(count > 300, `only ${count} messages`);
});

void test('it has every service and method, with paths that clients use', () => {
  const wanted = files.flatMap((file) =>
    file.service.flatMap(({ name, method }) => method.map((one) => `/${file.package}.${name}/${one.name}`)),
  );
  const found = wholeSchema.services().flatMap((name) => wholeSchema.methods(name).map(({ path }) => path));
  assert.deepEqual([...found].sort(), wanted.sort());
  assert(found.includes('/containerd.services.tasks.v1.Tasks/CloseIO'));
});

void test('types that are taken in one after the other follow proto3: packed lists, and a set zero is there', () => {
  wholeSchema.codec('containerd.types.Mount');
  const usage = wholeSchema.codec('io.containerd.cgroups.v1.CPUUsage');
  assert.equal(usage.encode({ per_cpu: ['1', '300'] }).toString('hex'), '220301ac02');
  assert.deepEqual(usage.decode(Buffer.from('20012002', 'hex')), usage.decode(Buffer.from('22020102', 'hex')));
  const summary = wholeSchema.codec('wharfd.services.execution.v1.ContainerSummary');
  assert.equal(summary.encode({ exit_status: 0 }).toString('hex'), '2800');
});
