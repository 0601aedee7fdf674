import { DaemonError } from '../../base/errors.js';
import type { Credentials } from '../../client/registry-access.js';
import type { Io } from './io.js';

/** The user's name by which a helper says that the secret is a refresh token. */
const TOKEN_USER = '<token>';

/**
 * A program that keeps logins, `docker-credential-<name>` (the protocol of docker-credential-helpers): it is told what to do by its
 * argument, and gets and gives secrets over its standard streams only.
 */
export class CredentialHelper {
  readonly #io: Io;
  readonly #program: string;

  /** @throws invalid-argument: no name of a helper. */
  constructor(io: Io, name: string) {
    if (!/^[\w.-]+$/.test(name)) {
      throw new DaemonError('invalid-argument', `credential helper ${JSON.stringify(name)}: such a name is not run`);
    }
    this.#io = io;
    this.#program = `docker-credential-${name}`;
  }

  /** undefined when the helper has none. @throws unauthenticated: it failed. */
  async get(server: string): Promise<Credentials | undefined> {
    const { code, output = '' } = await this.#io.spawn(this.#program, ['get'], server);
    if (code !== 0) {
      if (/credentials not found/i.test(output)) return undefined;
      throw this.#failed('get', server, code);
    }
    const { Username: user, Secret: secret } = this.#parse(output);
    if (typeof secret !== 'string' || secret === '') return undefined;
    if (user === TOKEN_USER) return { kind: 'refresh', token: secret };
    return { kind: 'basic', user: typeof user === 'string' ? user : '', secret };
  }

  async store(server: string, login: { readonly user: string; readonly secret: string }): Promise<void> {
    const entry = JSON.stringify({ ServerURL: server, Username: login.user, Secret: login.secret });
    const { code } = await this.#io.spawn(this.#program, ['store'], entry);
    if (code !== 0) throw this.#failed('store', server, code);
  }

  async erase(server: string): Promise<void> {
    const { code, output = '' } = await this.#io.spawn(this.#program, ['erase'], server);
    if (code !== 0 && !/credentials not found/i.test(output)) throw this.#failed('erase', server, code);
  }

  #parse(output: string): { readonly Username?: unknown; readonly Secret?: unknown } {
    try {
      return JSON.parse(output) as Record<string, unknown>;
    } catch {
      // Not passed on as cause: the error quotes the output, which may hold a password.
      throw new DaemonError('unauthenticated', `${this.#program} answers with something that is no JSON`);
    }
  }

  #failed(action: string, server: string, code: number): DaemonError {
    return new DaemonError(
      'unauthenticated',
      `${this.#program} ${action} failed for ${server} with exit code ${code}; run it by itself to see why`,
    );
  }
}
