import type { ContainerHealth, ContainerSummary, StoredContainer } from '../../client/execution.js';

/** A container as `ctr info` prints it: keys as containerd's ctr has them, and the state of the task. */
export function describeContainer(container: StoredContainer, summary: ContainerSummary | undefined): object {
  return {
    ID: container.id,
    Labels: container.labels,
    Image: container.image,
    Runtime: { Name: container.runtime },
    Spec: container.spec,
    SnapshotKey: container.snapshotKey,
    Snapshotter: container.snapshotter,
    CreatedAt: container.createdAt?.toISOString(),
    UpdatedAt: container.updatedAt?.toISOString(),
    Task: summary && {
      Status: summary.status.toUpperCase(),
      Pid: summary.pid,
      ...(summary.exitStatus === undefined ? {} : { ExitStatus: summary.exitStatus }),
      ...(summary.exitUnknown === undefined ? {} : { ExitUnknown: summary.exitUnknown }),
      ...(summary.health && { Health: describeHealth(summary.health) }),
    },
  };
}

/** Keys as Docker has them. */
function describeHealth({ status, failingStreak, probes }: ContainerHealth): object {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: probes.map(({ start, end, exitStatus, output }) => ({
      Start: start?.toISOString(),
      End: end?.toISOString(),
      ExitCode: exitStatus ?? -1,
      Output: output,
    })),
  };
}
