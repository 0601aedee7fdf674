/** Request headers of a call, of which few are asked for; in its text name NUL value NUL for each. */
export class Headers {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The value of this name, the first of several; undefined: there is none. */
  get(name: string): string | undefined {
    const text = this.#text;
    for (let at = 0; at < text.length;) {
      const middle = text.indexOf('\0', at);
      const end = text.indexOf('\0', middle + 1);
      if (middle < 0 || end < 0) return undefined;
      if (middle - at === name.length && text.startsWith(name, at)) return text.slice(middle + 1, end);
      at = end + 1;
    }
    return undefined;
  }
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
