import { resolve } from 'node:path';
import { DaemonError } from '../../base/errors.js';
import type { Credentials, RegistryAccess } from '../../client/registry-access.js';
import { hostOf, parseReference, pathOf } from '../../spec/reference.js';
import { AuthFile, authFilePath, isSameRegistry } from './auth-file.js';
import { CredentialHelper } from './credential-helper.js';
import type { Io } from './io.js';
import { flag, text, type OptionValues } from './options.js';
import { readSecret } from './secret.js';

/** Options of all commands that speak to registries. */
export const REGISTRY_OPTIONS = {
  plainHttp: flag('--plain-http', 'http for any registry (loopback hosts are spoken to over http anyway)'),
  hostsDir: text('--hosts-dir <dir>', "directory with <host>/hosts.toml, in place of the daemon's own"),
  user: text('-u, --user <name>', 'log in as this user; the password comes on stdin', parseUser),
};

/** How the daemon is to reach registries for this command; credentials are looked for when one asks. */
export function registryAccessOf(options: OptionValues<typeof REGISTRY_OPTIONS>, io: Io): RegistryAccess {
  const { plainHttp, hostsDir, user } = options;
  let typed: Promise<string> | undefined;
  return {
    plainHttp,
    ...(hostsDir !== undefined && { hostsDir: resolve(io.cwd, hostsDir) }),
    credentials: async ({ host, reference }) => {
      // A mirror that asks is not whom the password was typed for.
      const meant = user !== undefined && isSameRegistry(host, hostOf(parseReference(reference)));
      if (!meant) return storedCredentials(io, host, reference);
      typed ??= readSecret(io, `password of ${user}: `);
      return { kind: 'basic', user, secret: await typed };
    },
  };
}

/** What `dist login`, or docker, has kept for a host; a helper comes before what the file itself has. */
async function storedCredentials(io: Io, host: string, reference: string): Promise<Credentials | undefined> {
  const file = await AuthFile.open(authFilePath(io));
  const helper = file.helper(host);
  const found = helper === undefined ? undefined : await new CredentialHelper(io, helper).get(AuthFile.serverOf(host));
  return found ?? file.find(host, repositoryIn(reference, host));
}

/** The repository of a question; a mirror's host has none of its own. */
function repositoryIn(reference: string, host: string): string {
  if (reference === '' || reference === host) return '';
  return pathOf(parseReference(reference));
}

/** Everybody on a machine sees command lines: a password in one is refused. */
export function parseUser(name: string): string {
  if (name !== '' && !name.includes(':')) return name;
  throw new DaemonError(
    'invalid-argument',
    '--user takes a name only; give the password on stdin, not on the command line',
  );
}
