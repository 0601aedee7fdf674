import type { SignatureChecker } from '../../core/verification/image-verifier.js';

/** Checks sigstore bundles; the library for it is loaded at the first of them only. */
export const sigstoreSignatures: SignatureChecker = {
  async check(bundle, subject, rule) {
    const { checkBundle } = await import('./check-bundle.js');
    return checkBundle(bundle, subject, rule);
  },
};
