import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKind } from '../base/errors.js';
import { WHOLE_SCHEMA } from '../gen/whole-schema.js';
import {
  FlatSchema,
  type FieldTable,
  type FieldType,
  type FlatEnum,
  type FlatMessage,
  type MessageTable,
  type ScalarType,
} from './flat-schema.js';
import { plainCodecs } from './plain-codec.js';
import { Schema } from './schema.js';
import { compiledCodecs } from '../../test/support/compiled-codec.js';

const seed = Number(process.env['WHARFD_SEED'] ?? 1);
const plain = new Schema(WHOLE_SCHEMA, plainCodecs);
const compiled = new Schema(WHOLE_SCHEMA, compiledCodecs);
const DEPTH_MAX = 3;

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'a.b/c'));

const SCALARS: Readonly<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  bool: fc.boolean(),
  int32: fc.integer(),
  uint32: fc.nat({ max: 2 ** 32 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  double: fc.double({ noNaN: true }),
};

function valueOf(type: FieldType, depth: number): fc.Arbitrary<unknown> {
  if (type.kind === 'scalar') return SCALARS[type.scalar];
  if (type.kind === 'enum') return fc.constantFrom(...Object.keys(type.values));
  return contentOf(type.message(), depth + 1);
}

function fieldOf({ type, repeated, map }: FieldTable, depth: number): fc.Arbitrary<unknown> {
  const value = valueOf(type, depth);
  if (map) return fc.dictionary(fc.string(), value, { maxKeys: 3 });
  return repeated ? fc.array(value, { maxLength: 3 }) : value;
}

/** Messages without the fields that are messages where they lie too deep; of each group of fields one at most. */
function contentOf({ fields }: MessageTable, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const groups = new Set<string>();
  const chosen = fields.filter(({ type, oneof }) => {
    if (depth >= DEPTH_MAX && type.kind === 'message') return false;
    return oneof === undefined || (!groups.has(oneof) && groups.add(oneof));
  });
  const model = Object.fromEntries(chosen.map((field) => [field.name, fieldOf(field, depth)]));
  return fc.record(model, { requiredKeys: chosen.filter(isRequired).map(({ name }) => name) });
}

/** Those of google.protobuf.UninterpretedOption.NamePart: the only ones that proto/ has. */
function isRequired({ name }: FieldTable): boolean {
  return name === 'name_part' || name === 'is_extension';
}

function* names(name: string, type: FlatMessage | FlatEnum | undefined): Iterable<string> {
  if (type === undefined || !('fields' in type)) return;
  yield name;
  for (const [inner, its] of Object.entries(type.nested ?? {})) yield* names(`${name}.${inner}`, its);
}

const { types } = new FlatSchema(WHOLE_SCHEMA);
const ALL = types.names().flatMap((name) => [...names(name, types.get(name))]);

void test('every message: the same bytes and the same values as by the codecs of protobufjs', () => {
  assert.ok(ALL.length > 350, `${ALL.length} messages`);
  for (const name of ALL) {
    const [own, theirs] = [plain.codec(name), compiled.codec(name)];
    if (!plain.message(name).fields.some(isRequired))
      assert.deepEqual(own.decode(Buffer.alloc(0)), theirs.decode(Buffer.alloc(0)), name);
    fc.assert(
      fc.property(contentOf(plain.message(name), 0), (value) => {
        const bytes = theirs.encode(value);
        assert.equal(own.encode(value).toString('hex'), bytes.toString('hex'));
        assert.deepEqual(own.decode(bytes), theirs.decode(bytes));
      }),
      { seed, numRuns: 15 },
    );
  }
});

void test('bytes of another message are skipped where they do not fit, and broken ones are told', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ALL), fc.constantFrom(...ALL), fc.nat(400), (written, read, cut) => {
      const [value] = fc.sample(contentOf(plain.message(written), 0), { seed: cut, numRuns: 1 });
      const bytes = plain.codec(written).encode(value ?? {});
      for (const part of [bytes, bytes.subarray(0, cut)]) {
        try {
          plain.codec(read).decode(part);
        } catch (error) {
          assert.ok(isKind(error, 'invalid-argument'), String(error));
        }
      }
    }),
    { seed, numRuns: 2000 },
  );
});

void test('a field that is packed or not is read either way, and what a field cannot hold is told', () => {
  const usage = plain.codec('io.containerd.cgroups.v1.CPUUsage');
  assert.deepEqual(usage.decode(Buffer.from('20012002', 'hex')), usage.decode(Buffer.from('22020102', 'hex')));
  const refused = (name: string, value: object, why: RegExp) => {
    assert.throws(
      () => plain.codec(name).encode(value),
      (error: Error) => isKind(error, 'invalid-argument') && why.test(error.message),
    );
  };
  refused('google.rpc.Status', { details: 'x' }, /details: array expected/);
  refused('google.rpc.Status', { details: [1] }, /object expected/);
  refused('google.protobuf.Timestamp', { seconds: 'x' }, /BigInt/);
  refused('containerd.services.content.v1.WriteContentRequest', { action: 'NONE' }, /"NONE" is none of its names/);
});

void test('messages in one another without an end are refused', () => {
  const codec = plain.codec('google.protobuf.DescriptorProto');
  let bytes = Buffer.alloc(0);
  for (let depth = 0; depth < 200; depth += 1) {
    const head = Buffer.from(
      bytes.length < 128 ? [0x1a, bytes.length] : [0x1a, (bytes.length & 0x7f) | 0x80, bytes.length >> 7],
    );
    bytes = Buffer.concat([head, bytes]);
  }
  assert.throws(
    () => codec.decode(bytes),
    (error: Error) => isKind(error, 'invalid-argument') && /100 deep/.test(error.message),
  );
});
