import { DaemonError, type ErrorKind } from '../../base/errors.js';
import type { HttpResponse } from './http-messages.js';

const KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  408: 'unavailable',
  416: 'data-loss',
  429: 'unavailable',
};

const SAID_MAX = 200;
const BODY_MAX = 16 * 1024;

/** The error for a response that is none of the expected ones; reads what the registry says about it, and closes the response. */
export async function failureOf(response: HttpResponse, what: string): Promise<DaemonError> {
  const said = await messageIn(response);
  const host = response.url.host;
  const quoted = said === '' ? '' : ` (${said})`;
  const kind = KINDS[response.status] ?? (response.status >= 500 ? 'unavailable' : 'unknown');
  return new DaemonError(kind, `${what}: ${explain(response.status, host)}${quoted}`);
}

function explain(status: number, host: string): string {
  switch (status) {
    case 401:
    case 403:
      return `${host} denies access: it does not exist, or you need to log in`;
    case 404:
      return `not found at ${host}; check the name and the tag`;
    case 429:
      return `${host} has had too many requests from here; try again later, or log in`;
    default:
      return status >= 500
        ? `${host} has a problem of its own, status ${status}; try again later`
        : `unexpected status ${status} from ${host}`;
  }
}

/** The first error of the JSON that registries send (OCI distribution-spec, "Error Codes"), as one line. */
async function messageIn(response: HttpResponse): Promise<string> {
  if (!(response.header('content-type') ?? '').includes('json')) {
    await response.discard();
    return '';
  }
  try {
    const bytes = await response.whole(BODY_MAX);
    return bytes ? firstMessage(JSON.parse(bytes.toString())) : '';
  } catch {
    // What a failing server says about its failure is a help, not a need.
    return '';
  }
}

function firstMessage(document: unknown): string {
  const errors = (document as { errors?: unknown } | null)?.errors;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const { message, code } = (first ?? {}) as { message?: unknown; code?: unknown };
  const text = typeof message === 'string' && message !== '' ? message : code;
  return typeof text === 'string' ? text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, SAID_MAX) : '';
}
