interface IdMapping {
  readonly containerID?: unknown;
  readonly hostID?: unknown;
}

/** Host group of the container's group 0; undefined without a user namespace. A spec that is no JSON is the runtime's to refuse. */
export function mappedRootGroup(spec: Uint8Array): number | undefined {
  for (const { containerID, hostID } of gidMappings(spec)) {
    if (containerID === 0 && typeof hostID === 'number' && Number.isSafeInteger(hostID) && hostID > 0) return hostID;
  }
  return undefined;
}

function gidMappings(spec: Uint8Array): readonly IdMapping[] {
  try {
    const parsed = JSON.parse(Buffer.from(spec).toString()) as { linux?: { gidMappings?: unknown } } | null;
    const mappings = parsed?.linux?.gidMappings;
    return Array.isArray(mappings)
      ? (mappings as IdMapping[]).filter((each) => typeof each === 'object' && (each as unknown) !== null)
      : [];
  } catch {
    return [];
  }
}
