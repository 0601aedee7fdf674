/** A mount that is described but not done yet: what snapshotters hand out. */
export interface Mount {
  /** File system type, `bind` for a bind mount, `overlay`, `tmpfs`, … */
  readonly type: string;
  readonly source: string;
  /** Path below the target of the call; only mountAll looks at it. Absent: the target itself. */
  readonly target?: string;
  /** As in fstab(5): flags by name (`ro`, `rbind`, `nosuid`, …); all others go to the file system joined by commas. */
  readonly options: readonly string[];
}

/** How an unmount is done. Without flags a busy target is EBUSY. */
export interface UnmountFlags {
  /** Take it out of the tree now, clean up when nobody uses it any more (MNT_DETACH). */
  readonly detach?: boolean;
  /** Follow a symbolic link at the target; the default is not to (UMOUNT_NOFOLLOW). */
  readonly follow?: boolean;
}

/** One line of /proc/self/mountinfo (proc(5)), with its octal escapes undone. */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Path inside the file system that is mounted here. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount: `ro`, `nosuid`, … */
  readonly options: readonly string[];
  /** Optional fields such as `shared:1`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Options of the file system. */
  readonly superOptions: readonly string[];
}

/** Something mounted at `path` until it is disposed. */
export interface MountedDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Mounting and unmounting in the mount namespace of the daemon. The calls run outside of the event loop's thread:
 * an unmount may have to write out a whole file system.
 */
export interface Mounts {
  /**
   * Mounts onto an existing directory (or file, for a bind). A bind mount with `ro`, `nosuid` and the like appears
   * with these flags at once. Options too long for mount(2)'s one page are passed in another way: an overlay of up to 999
   * lower directories can be mounted, over 500 as one on top of another.
   *
   * @throws SyscallError, among others ENOENT (source or target missing), ENODEV (unknown file system type).
   *   invalid-argument: an option that contradicts the type, or overlay options that do not fit in any way.
   */
  mount(mount: Mount, target: string): Promise<void>;
  /**
   * Mounts one after another, each at `target` joined with its own `target` (resolved inside of `target`, links
   * included), and unmounts them in reverse order when disposed. If one fails, those before it are unmounted.
   */
  mountAll(mounts: readonly Mount[], target: string): Promise<MountedDirectory>;
  /** Sets per-mount flags (`ro`, `nosuid`, …, or their opposites) of an existing mount, leaving the others as they are. */
  remount(target: string, options: readonly string[]): Promise<void>;
  /** @throws SyscallError EINVAL when `target` is no mount point, EBUSY while it is in use, ENOENT when missing. */
  unmount(target: string, flags?: UnmountFlags): Promise<void>;
  /** All mounts of this namespace, in the kernel's order: a mount comes after the one it lies on. */
  list(): Promise<readonly MountInfo[]>;
}
