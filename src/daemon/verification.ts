import type { Logger } from '../base/logger.js';
import type { Programs } from '../core/kernel/programs.js';
import { createImageVerifier, type ImageVerifier } from '../core/verification/image-verifier.js';
import type { Rule, Signers } from '../core/verification/policy.js';
import { sigstoreSignatures } from '../drivers/signature-sigstore/sigstore-signatures.js';
import { createVerifierPrograms } from '../drivers/verifier-programs/verifier-programs.js';
import type { Config } from './config.js';

/** The verifier that the settings ask for; undefined when they ask for none. */
export function openVerifier(
  { verification }: Config,
  programs: Pick<Programs, 'run'>,
  log: Logger,
): ImageVerifier | undefined {
  const { rule: rules, bin_dir: directory, max_verifiers: max, per_verifier_timeout: seconds } = verification;
  if (rules.length === 0 && directory === undefined) return undefined;
  return createImageVerifier({
    rules: rules.map(toRule),
    signatures: sigstoreSignatures,
    programs:
      directory === undefined
        ? undefined
        : createVerifierPrograms({ programs, directory, max, timeoutMs: seconds * 1000, log }),
    log,
  });
}

type ConfigRule = Config['verification']['rule'][number];

function toRule(rule: ConfigRule): Rule {
  const signers = toSigners(rule);
  return {
    ...{ match: rule.match, require: rule.require, predicateTypes: rule.predicate_types },
    ...(signers && { signers }),
  };
}

/** The settings were checked for what belongs together. */
function toSigners({ key, issuer, identity, trust_root: trustRoot }: ConfigRule): Signers | undefined {
  if (key !== undefined) return { kind: 'key', keyFile: key, ...(trustRoot !== undefined && { trustRoot }) };
  if (issuer === undefined || identity === undefined || trustRoot === undefined) return undefined;
  return { kind: 'identity', issuer, identity, trustRoot };
}
