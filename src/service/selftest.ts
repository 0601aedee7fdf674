import type { Selftest } from '../core/selftest/selftest.js';
import type { ServiceImplementation } from '../rpc/handlers.js';

/** wharfd.services.selftest.v1.SelftestService: attacks of our own on ourselves. */
export function createSelftestService(
  selftest: Selftest,
): ServiceImplementation<'wharfd.services.selftest.v1.SelftestService'> {
  return {
    async *hostile(_, { signal }) {
      for await (const { outcome, total } of selftest.hostile(signal)) {
        const { guardText, complaints, ...rest } = outcome;
        yield { ...rest, guard_text: guardText, complaints: [...complaints], total };
      }
    },
  };
}
