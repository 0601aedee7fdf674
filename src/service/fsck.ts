import type { Finding, Fsck, FsckReport } from '../core/fsck/fsck.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { fromWireResolver } from './remote-options.js';
import type { StreamRegistry } from './stream-registry.js';

/** wharfd.services.fsck.v1.FsckService: what is on disk against what should be. */
export function createFsckService(
  fsck: Fsck,
  streams: StreamRegistry,
): ServiceImplementation<'wharfd.services.fsck.v1.FsckService'> {
  return {
    async *check({ repair, resolver }, call) {
      // Only a stream belongs to a namespace.
      const how = repair ? { repair: resolver ? fromWireResolver(resolver, streams, call.scope) : {} } : {};
      for await (const report of fsck.check({ ...how, signal: call.signal })) yield toWire(report);
    },
  };
}

function toWire(report: FsckReport): Outgoing<'wharfd.services.fsck.v1.CheckResponse'> {
  switch (report.part) {
    case 'progress':
      return { progress: { checked: fromInteger(report.checked), total: fromInteger(report.total) } };
    case 'finding':
      return { finding: toWireFinding(report.finding) };
    case 'summary': {
      const { blobs, layers, uncheckedLayers, problems, repaired } = report.summary;
      return {
        summary: {
          blobs: fromInteger(blobs),
          layers: fromInteger(layers),
          unchecked_layers: fromInteger(uncheckedLayers),
          problems: fromInteger(problems),
          repaired: fromInteger(repaired),
        },
      };
    }
  }
}

function toWireFinding(finding: Finding): Outgoing<'wharfd.services.fsck.v1.Finding'> {
  return {
    kind: finding.kind,
    name: finding.name,
    namespaces: [...finding.namespaces],
    snapshotter: finding.snapshotter ?? '',
    problem: finding.problem,
    paths: [...finding.paths],
    path_count: fromInteger(finding.pathCount),
    repaired: finding.repaired,
    reason: finding.reason ?? '',
  };
}
