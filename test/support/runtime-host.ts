import { createInterface } from 'node:readline';
import type { CreateRequest } from '../../src/core/execution/runtime.js';
import { SILENT } from '../../src/base/logger.js';
import { createOciRuntime, type OciRuntimeSettings } from '../../src/drivers/runtime-oci/open-runtime.js';
import { createKernel } from '../../src/sys/kernel.js';

/** What a runtime host makes; `spec` and `process` as text. */
export interface HostOrder {
  readonly settings: OciRuntimeSettings;
  readonly creates: readonly (Omit<CreateRequest, 'spec'> & { readonly spec: string })[];
}

/** A stand-in for a daemon that a test kills: makes and starts the containers of its order, says `ready`, and stays. */
async function main(): Promise<void> {
  let order: HostOrder | undefined;
  for await (const line of createInterface(process.stdin)) {
    order = JSON.parse(line) as HostOrder;
    break;
  }
  if (!order) throw new Error('no order came');
  const { settings, creates } = order;
  const runtime = createOciRuntime(createKernel(), settings, SILENT);
  for (const request of creates) {
    const made = await runtime.create({ ...request, spec: Buffer.from(request.spec) });
    await runtime.start(made.key);
  }
  process.stdout.write('ready\n');
  setInterval(() => undefined, 1 << 30);
}

await main();
