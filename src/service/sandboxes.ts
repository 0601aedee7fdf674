import { DaemonError } from '../base/errors.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { SandboxController } from '../core/sandboxes/sandbox-controller.js';
import type { Sandbox, SandboxDraft, SandboxRun, SandboxStore } from '../core/sandboxes/sandbox-store.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate, type WireTimestamp } from '../rpc/time.js';
import type { Platform } from '../spec/platform.js';
import { fromWireAny, toWireAny } from './anys.js';
import { toWirePlatform } from './descriptors.js';

/** containerd.services.sandbox.v1.Store: stored descriptions of sandboxes. */
export function createSandboxStoreService(
  sandboxes: Scoped<SandboxStore>,
): ServiceImplementation<'containerd.services.sandbox.v1.Store'> {
  return {
    async create({ sandbox }, { scope }) {
      return { sandbox: toWireSandbox(await sandboxes(scope).create(fromWireSandbox(sandbox))) };
    },
    async update({ sandbox, fields }, { scope }) {
      return { sandbox: toWireSandbox(await sandboxes(scope).update(fromWireSandbox(sandbox), fields)) };
    },
    async delete({ sandbox_id: id }, { scope }) {
      await sandboxes(scope).delete(id);
      return {};
    },
    async list({ filters }, { scope }) {
      return { list: (await sandboxes(scope).list(filters)).map(toWireSandbox) };
    },
    async get({ sandbox_id: id }, { scope }) {
      return { sandbox: toWireSandbox(await sandboxes(scope).get(id)) };
    },
  };
}

const STATES: Readonly<Record<SandboxRun['state'], string>> = {
  created: 'SANDBOX_NOTREADY',
  ready: 'SANDBOX_READY',
  stopped: 'SANDBOX_NOTREADY',
};

/** containerd.services.sandbox.v1.Controller: sandboxes without a process of their own. */
export function createSandboxControllerService(
  controller: SandboxController,
  platform: Platform,
): ServiceImplementation<'containerd.services.sandbox.v1.Controller'> {
  return {
    create({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      return Promise.resolve({ sandbox_id: controller.create(scope, id).id });
    },
    start({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      return Promise.resolve({ sandbox_id: id, created_at: timeOf(controller.start(scope, id).startedMs) });
    },
    platform({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      controller.get(scope, id);
      return Promise.resolve({ platform: toWirePlatform(platform) });
    },
    stop({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      controller.stop(scope, id);
      return Promise.resolve({});
    },
    async wait({ sandbox_id: id, sandboxer }, { scope, signal }) {
      controller.check(sandboxer);
      return { exit_status: 0, exited_at: timeOf((await controller.wait(scope, id, signal)).exitedMs) };
    },
    status({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      const { state, startedMs, exitedMs } = controller.get(scope, id);
      const times = { created_at: timeOf(startedMs), exited_at: timeOf(exitedMs) };
      return Promise.resolve({ sandbox_id: id, state: STATES[state], ...times });
    },
    shutdown({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      controller.shutdown(scope, id);
      return Promise.resolve({});
    },
    metrics({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      controller.get(scope, id);
      return Promise.resolve({ metrics: { id, timestamp: timestampOfDate(new Date()) } });
    },
    update({ sandbox_id: id, sandboxer }, { scope }) {
      controller.check(sandboxer);
      controller.get(scope, id);
      return Promise.resolve({});
    },
  };
}

const timeOf = (ms: number | undefined): WireTimestamp | null =>
  ms === undefined ? null : timestampOfDate(new Date(ms));

function fromWireSandbox(sandbox: Incoming<'containerd.types.Sandbox'> | null): SandboxDraft {
  if (!sandbox) throw new DaemonError('invalid-argument', 'sandbox is missing: invalid argument');
  const options = fromWireAny(sandbox.runtime?.options);
  const spec = fromWireAny(sandbox.spec);
  const extensions = Object.entries(sandbox.extensions).map(
    ([name, { type_url: typeUrl, value }]): [string, OpaqueAny] => [name, { typeUrl, value }],
  );
  return {
    id: sandbox.sandbox_id,
    labels: sandbox.labels,
    runtime: { name: sandbox.runtime?.name ?? '', ...(options && { options }) },
    ...(spec && { spec }),
    extensions: Object.fromEntries(extensions),
    sandboxer: sandbox.sandboxer,
  };
}

function toWireSandbox(sandbox: Sandbox): Outgoing<'containerd.types.Sandbox'> {
  return {
    sandbox_id: sandbox.id,
    runtime: { name: sandbox.runtime.name, options: toWireAny(sandbox.runtime.options) },
    spec: toWireAny(sandbox.spec),
    labels: { ...sandbox.labels },
    created_at: timestampOfDate(sandbox.createdAt),
    updated_at: timestampOfDate(sandbox.updatedAt),
    extensions: Object.fromEntries(Object.entries(sandbox.extensions).map(([name, any]) => [name, toWireAny(any)])),
    sandboxer: sandbox.sandboxer,
  };
}
