/** Request headers of a call, by name; of several values of one name the first. */
export type Headers = ReadonlyMap<string, string>;

/** Reads name NUL value NUL for each header. Values that gRPC joined by commas are taken apart. */
export function parseHeaders(text: string): Headers {
  const headers = new Map<string, string>();
  const parts = text.split('\0');
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [name = '', value = ''] = [parts[at], parts[at + 1]];
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout` header (gRPC over HTTP/2, "Timeout"); undefined for none or one that is not well formed. */
export function timeoutMsOf(header: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(header ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 0);
}

const PLAIN = /^[ -$&-~]*$/;

/** The text of a status for the header `grpc-message`: percent-encoded UTF-8 (gRPC over HTTP/2, "Status-Message"). */
export function percentEncoded(text: string): string {
  if (PLAIN.test(text)) return text;
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** The text of a `grpc-message` header; what is not encoded as it should be stays as it is. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
