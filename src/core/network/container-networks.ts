/** Of which container. */
export interface NetworkKey {
  readonly namespace: string;
  readonly containerId: string;
}

/** A port of the host that leads to one of a container. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  /** Empty for all addresses of the host. */
  readonly hostIp: string;
}

/** What a container is to be connected to. */
export interface NetworkWish {
  /** Name of a configured network; `default` for the first one. */
  readonly name: string;
  readonly ports: readonly PortMapping[];
  readonly hostname: string;
}

/** Files that a container of a network has in the place of its image's, by their paths in the container. */
export type NetworkFiles = Readonly<Record<string, string>>;

/**
 * Networks that containers can be connected to. What is prepared is on disk, so that a daemon after this one can take it down.
 * The calls of one container are serialised by the caller.
 */
export interface ContainerNetworks {
  /**
   * Chooses the network and makes the container's files.
   *
   * @returns Its files; and a warning, with no files, when no network is configured at all: the container has its loopback device then.
   * @throws not-found: no such network; names those that there are. invalid-argument: a configuration that is none.
   */
  prepare(key: NetworkKey, wish: NetworkWish): Promise<{ readonly files: NetworkFiles; readonly warning?: string }>;
  /** Connects the network namespace of a process, if the container was prepared. @throws unknown: what the plugin says. */
  connect(key: NetworkKey, pid: number): Promise<void>;
  /** Gives addresses and ports back; the files stay. Not connected is no error. @throws unknown: what the plugin says. */
  disconnect(key: NetworkKey): Promise<void>;
  /** The same, and removes the files. */
  remove(key: NetworkKey): Promise<void>;
  /** The files of a container that was prepared; none otherwise. */
  filesOf(key: NetworkKey): Promise<NetworkFiles>;
  /** All containers that were prepared. */
  inventory(): Promise<readonly NetworkKey[]>;
}
