/**
 * usage: gen-schema.ts WHOLE.binpb CLIENT.binpb OUT
 *
 * Writes what the codec needs at run time, without a .proto parser: OUT/whole-schema.ts and OUT/client-schema.ts (protobufjs' JSON
 * form), OUT/descriptors.ts (the compiled descriptor set, for server reflection) and OUT/tables.ts (names to types).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor/index.js';

const HEAD = '// Generated from proto/ by scripts/gen.sh; do not edit.\n';

/** Options say nothing to the codec but these. */
const KEPT_OPTIONS = new Set(['proto3_optional', 'packed']);

type Json = Record<string, unknown>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Drops what the codec does not need: file options, comments, reserved ranges. */
function slim(value: unknown): unknown {
  if (!isJson(value)) return value;
  const out: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'reserved' || key === 'comment' || key === 'comments') continue;
    if (key !== 'options') out[key] = slim(inner);
    else if (isJson(inner)) {
      const kept = Object.entries(inner).filter(([name]) => KEPT_OPTIONS.has(name));
      if (kept.length > 0) out[key] = Object.fromEntries(kept);
    }
  }
  return out;
}

/** What protobufjs/ext/descriptor adds to the class, and does not declare. */
const { fromDescriptor } = protobuf.Root as unknown as { fromDescriptor(set: Uint8Array): protobuf.Root };

function readRoot(file: string): protobuf.Root {
  const root = fromDescriptor(readFileSync(file));
  root.resolveAll();
  return root;
}

function* descendants(namespace: protobuf.NamespaceBase): Iterable<protobuf.ReflectionObject> {
  for (const object of namespace.nestedArray) {
    yield object;
    if (object instanceof protobuf.Namespace) yield* descendants(object);
  }
}

function nameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.slice(1);
}

/** The module and the identifier that proto-loader-gen-types gave a message; a nested one has its parents in the name. */
function generatedName(object: protobuf.ReflectionObject): { path: string; name: string } {
  const parents: string[] = [];
  let at = object.parent;
  while (at instanceof protobuf.Type) {
    parents.unshift(at.name);
    at = at.parent;
  }
  const [outer, ...inner] = [...parents, object.name];
  const folder = at ? nameOf(at).replaceAll('.', '/') : '';
  return { path: `./${folder}/${outer ?? ''}.js`, name: [`_${nameOf(object).replaceAll('.', '_')}`, inner].flat()[0] ?? '' };
}

function tables(root: protobuf.Root): string {
  const imports: string[] = [];
  const messages: string[] = [];
  const services: string[] = [];
  for (const object of descendants(root)) {
    const full = nameOf(object);
    if (full.startsWith('google.protobuf.') && !/\.(Any|Empty|Timestamp|FieldMask|FileDescriptorProto)$/.test(full)) continue;
    const { path } = generatedName(object);
    const id = full.replaceAll('.', '_');
    if (object instanceof protobuf.Service) {
      imports.push(`import type { ${object.name}Definition as ${id}Definition, ${object.name}Handlers as ${id}Handlers } from '${path}';`);
      services.push(`  '${full}': { definition: ${id}Definition; handlers: ${id}Handlers };`);
    } else if (object instanceof protobuf.Type && !(object.parent instanceof protobuf.Type)) {
      imports.push(`import type { ${object.name} as ${id}, ${object.name}__Output as ${id}__Output } from '${path}';`);
      messages.push(`  '${full}': { input: ${id}; output: ${id}__Output };`);
    }
  }
  return [
    HEAD,
    ...imports.sort(),
    '',
    '/** Every message by its full name: what may be encoded, and what is decoded. */',
    'export interface MessageTable {',
    ...messages.sort(),
    '}',
    '',
    '/** Every service by its full name. */',
    'export interface ServiceTable {',
    ...services.sort(),
    '}',
    '',
  ].join('\n');
}

function schemaModule(constant: string, root: protobuf.Root): string {
  // A string that is parsed at run time: V8 does that faster than compiling an object literal.
  return `${HEAD}export const ${constant} =\n  '${JSON.stringify(slim(root.toJSON())).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}';\n`;
}

const [wholeFile, clientFile, out] = process.argv.slice(2);
if (!wholeFile || !clientFile || !out) throw new Error('usage: gen-schema.ts WHOLE.binpb CLIENT.binpb OUT');
const whole = readRoot(wholeFile);
const base64 = readFileSync(wholeFile).toString('base64');
writeFileSync(join(out, 'whole-schema.ts'), schemaModule('WHOLE_SCHEMA', whole));
writeFileSync(join(out, 'client-schema.ts'), schemaModule('CLIENT_SCHEMA', readRoot(clientFile)));
writeFileSync(join(out, 'descriptors.ts'), `${HEAD}export const DESCRIPTORS =\n  '${base64}';\n`);
writeFileSync(join(out, 'tables.ts'), tables(whole));
