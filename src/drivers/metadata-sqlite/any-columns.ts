import type { OpaqueAny } from '../../core/events/journal.js';

/** Foreign messages by name, as JSON. */
export function extensionsToJson(extensions: Readonly<Record<string, OpaqueAny>>): string {
  const entries = Object.entries(extensions).map(([name, { typeUrl, value }]) => [
    name,
    [typeUrl, Buffer.from(value).toString('base64')],
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** The reverse of `extensionsToJson`. */
export function extensionsFromJson(text: string): Readonly<Record<string, OpaqueAny>> {
  const entries = Object.entries(JSON.parse(text) as Record<string, [string, string]>);
  return Object.fromEntries(
    entries.map(([name, [typeUrl, value]]) => [name, { typeUrl, value: Buffer.from(value, 'base64') }]),
  );
}

/** A foreign message of two columns. */
export function toAny(typeUrl: string | null, value: Buffer | null): OpaqueAny | undefined {
  return typeUrl === null ? undefined : { typeUrl, value: value ?? new Uint8Array() };
}
