/*
 * The system calls of wharfd, in plain C: nothing here knows of JavaScript, so that a test program can link it.
 *
 * Every function returns 0 or more on success and the negated errno on failure. All descriptors are close-on-exec.
 * Strings end with NUL. But for a queue nothing is kept between calls and nothing is locked: all may run in any thread.
 */
#ifndef WHARFD_CORE_H
#define WHARFD_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* errors.c */
/* The result of a call that returns -1 on failure. */
long wh_result(long value);

/* ---- files.c: relative to a directory descriptor; no call follows a link in the last component ---- */

enum { WH_STAT_FIELDS = 16 };

/* mode, uid, gid, size, blocks, nlink, dev, ino, rdev major, rdev minor, then seconds and nanoseconds of atime, mtime, ctime. */
struct wh_stat {
  uint64_t ino;
  double fields[WH_STAT_FIELDS]; /* fields[7] is left 0: an inode number may be above 2^53 */
};

int wh_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int wh_fstatat(int dir, const char *name, struct wh_stat *out);
int wh_fstat(int fd, struct wh_stat *out);

/* All entries but "." and "..": for each its d_type as one byte, its name and NUL. The caller frees *out. */
long wh_list(int fd, char **out);
/* The target, not ended by NUL. The caller frees *out. */
long wh_readlinkat(int dir, const char *name, char **out);

int wh_mkdirat(int dir, const char *name, mode_t mode);
int wh_mknodat(int dir, const char *name, mode_t mode, uint32_t major, uint32_t minor);
int wh_symlinkat(const char *target, int dir, const char *name);
int wh_linkat(int from_dir, const char *from, int to_dir, const char *to);
int wh_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int wh_unlinkat(int dir, const char *name, int flags);

int wh_create_file(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid, struct timespec mtime, const void *bytes,
                   size_t length);
/* position -1: where the descriptor is. A read is short only at the end; a write is whole or an error. */
long wh_read(int fd, void *bytes, size_t length, int64_t position);
long wh_write(int fd, const void *bytes, size_t length, int64_t position);
int64_t wh_seek(int fd, int64_t offset, int whence);

/* ---- queue.c: files made in order by a thread of the queue's, a few MiB of them waiting at most; for one caller at a time ---- */

struct wh_queue;

/* A regular file, or a symbolic link, whose mode says nothing. */
struct wh_new {
  int dir; /* stays open until it is settled */
  int is_link;
  const char *name;
  const char *entry; /* what it is called where it fails */
  mode_t mode;
  uid_t uid;
  gid_t gid;
  struct timespec mtime;
  const char *bytes; /* its content, or what the link says */
  size_t length;
};

int wh_queue_open(struct wh_queue **out);
/* Makes it later, from copies of all that is given. What has the name and is no directory gives way; nothing of that name may wait. */
int wh_queue_add(struct wh_queue *queue, const struct wh_new *what);
/* Whether something of that name may wait, or with "." something in that directory, or with a path anything. */
int wh_queue_waits(struct wh_queue *queue, int dir, const char *name);
/* The error of one that has failed, without waiting for any. */
int wh_queue_failed(struct wh_queue *queue);
/* Waits until all are made; the error of the first that failed since the last time, and its entry, which the caller frees, or NULL. */
int wh_queue_settle(struct wh_queue *queue, char **entry);
/* Those that still wait are not made. */
void wh_queue_close(struct wh_queue *queue);

/* ---- plain-entries.c: entries of a layer's tar archive that need no thought, for one caller at a time ---- */

struct wh_entries;

struct wh_entry_limits {
  size_t path_bytes;
  unsigned depth;
  size_t extended_bytes; /* of the extended header of one entry */
};

/* What became of a piece of an archive. */
struct wh_taken {
  size_t next;                    /* where it was left: at an entry for the caller, or where this call had done enough */
  int midway;                     /* the piece ended in an entry's data: the next one goes on there */
  uint64_t entries, inodes, bytes; /* how many were made, and what they use on a disk of 4 KiB blocks */
  size_t records;                 /* bytes of the records */
  int failed;                     /* the negated errno */
};

/* -ENOSYS: there is no library for checksums. The queue is still the caller's, and closed after. */
int wh_entries_open(struct wh_queue *queue, struct wh_entry_limits limits, struct wh_entries **out);
void wh_entries_close(struct wh_entries *entries);
/* A directory of the layer's: no entry of its path is taken. Paths are below the root, without slashes around; that of the root is empty. */
int wh_entries_know(struct wh_entries *entries, const char *path);
/* A directory that entries may go into until its descriptor is closed, which is to be said before. */
int wh_entries_enter(struct wh_entries *entries, const char *path, int fd);
void wh_entries_leave(struct wh_entries *entries, int fd);

enum { WH_RECORD_MAX = 16384 };

/*
 * Takes plain entries from `at` on, which is the start of an entry or where the piece before ended midway: files, links and directories
 * in directories that were entered, of names that nothing has. `left` is how many at most. The room for records is WH_RECORD_MAX at least.
 *
 * The records are fields ended by NUL: "P" and a path, in which those after it are; "F" and a name, then what follows the path in the
 * file's line of an inventory, or only its content where a disk may have other times; "D" and a name, then a descriptor of the directory,
 * which is the caller's now, its owner, group, mode, and time in seconds and nanoseconds, and 1 if it has attributes, with spaces between; and at the end "X" and the name of the entry that failed, unless it is one that
 * waited in the queue. Links have no record.
 */
void wh_entries_take(struct wh_entries *entries, const char *bytes, size_t length, size_t at, uint64_t left, char *records,
                     size_t room, struct wh_taken *out);

/* ---- metadata.c ---- */

enum { WH_SET_OWNER = 1, WH_SET_MODE = 2, WH_SET_TIMES = 4 };

struct wh_metadata {
  unsigned set; /* WH_SET_… */
  uid_t uid;    /* (uid_t)-1 leaves it */
  gid_t gid;
  mode_t mode;
  struct timespec times[2]; /* access, modification; UTIME_OMIT leaves one */
};

/* The permission bits of anything but a symbolic link; one is EOPNOTSUPP. */
int wh_chmod_nofollow(int dir, const char *name, mode_t mode);
/* The same on kernels without fchmodat2: the file is pinned first, so that the link in /proc leads to it and to nothing else. */
int wh_chmod_pinned(int dir, const char *name, mode_t mode);
int wh_set_metadata(int dir, const char *name, const struct wh_metadata *metadata);
int wh_set_metadata_fd(int fd, const struct wh_metadata *metadata);

/* ---- xattr.c ---- */

enum { WH_XATTR_MAX = 65536 };

/* The value, in a buffer of WH_XATTR_MAX bytes; the same for the list of names, each ended by NUL. */
long wh_getxattr(int dir, const char *name, const char *attribute, void *value);
long wh_listxattr(int dir, const char *name, char *names);
int wh_setxattr(int dir, const char *name, const char *attribute, const void *value, size_t length);
int wh_removexattr(int dir, const char *name, const char *attribute);

/* ---- remove.c ---- */

/* Removes a file or a whole tree, however deep, without leaving the file system it begins in. Nothing there is no error. */
int wh_remove_tree(int dir, const char *name);

/* ---- copy.c ---- */

/* Makes the empty file `to` the same as `from`, sharing blocks or keeping holes where possible. */
int wh_copy_content(int from, int to);

/* ---- mount.c ---- */

struct wh_attributes {
  uint64_t set;         /* MOUNT_ATTR_… */
  uint64_t clear;       /* MOUNT_ATTR_… */
  uint64_t propagation; /* MS_PRIVATE, …, or 0 */
  int recursive;        /* the mounts below as well */
  int user_namespace;   /* whose mapping of ids a bind mount shows; 0 or less for none */
};

/* Lower directories of one overlay: OVL_MAX_STACK in Linux's fs/overlayfs. */
enum { WH_OVERLAY_LAYERS = 500 };

struct wh_layers {
  const char *source;
  const char *target;
  unsigned flags;                /* MS_… of the mount */
  uint64_t attributes;           /* the same as MOUNT_ATTR_… */
  const char *const *lower;      /* nearest first, absolute */
  size_t lower_count;
  const char *const *options;    /* key, value, key, value, …; a NULL value is a flag */
  size_t option_count;           /* pairs */
  const char *directory;         /* where `data` is meant from */
  const char *data;              /* the same for mount(2), with lower directories relative to `directory` */
};

int wh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
/* The mount appears with all its attributes at once; if they can't be set it does not appear. */
int wh_bind(const char *source, const char *target, int recursive, const struct wh_attributes *attributes);
int wh_set_attributes(const char *target, const struct wh_attributes *attributes);
/* An overlay whose options exceed the page that mount(2) takes; of up to 999 directories. */
int wh_mount_layers(const struct wh_layers *layers);
int wh_unmount(const char *target, int flags);

/* ---- idmap.c ---- */

/* A descriptor of a new user namespace; the maps are lines "inside outside count" of user_namespaces(7). */
int wh_user_namespace(const char *uid_map, const char *gid_map);
/* Owners seen through a detached tree: what is `inside` on disk is `outside`. */
int wh_map_tree(int tree, int user_namespace);
/* An overlay whose lower directories are seen with mapped owners, from Linux 5.19 on. `data` has no lowerdir; of up to 999. */
int wh_mount_mapped_layers(const struct wh_layers *layers, int user_namespace);

/* ---- process.c ---- */

int wh_pidfd_open(pid_t pid);
int wh_pidfd_signal(int pidfd, int signal);
/* The raw wait status of a process that was reaped; -EAGAIN while it was not, -ENOTTY where the kernel does not tell. */
int wh_pidfd_exit_status(int pidfd);
/* Reaps this one child and returns its raw wait status; -EAGAIN while it runs. */
int wh_reap(pid_t pid);
int wh_become_subreaper(void);
/* Marks every descriptor above 2 close-on-exec: what a parent of ours, or a library, left open to be inherited. */
int wh_seal_descriptors(void);

/* ---- spawn.c ---- */

struct wh_program {
  const char *path;      /* not looked up anywhere */
  const char *directory; /* where it begins */
  char *const *argv;     /* ended by NULL, as envp */
  char *const *envp;
  const int *fds; /* what it has as 0, 1, 2, …, and nothing else that is close-on-exec; -1 is /dev/null */
  size_t fd_count;
  int own_session;
};

/*
 * Starts a program without copying our memory (posix_spawn(3) by clone(2) with CLONE_VM and CLONE_VFORK): a fork of a large process
 * costs milliseconds, and page faults after. Returns its pid once it has begun, and the negated errno if it can't.
 */
pid_t wh_spawn(const struct wh_program *program, int *pidfd);

/* ---- cgroup.c ---- */

/*
 * Says that a process will soon be moved to another cgroup. The first move for a while waits until all processors have been through the
 * scheduler (an RCU grace period, 5 to 20 ms: the kernel's cgroup_threadgroup_rwsem), those shortly after it do not. So a process that lives
 * for that only enters the cgroup with this file cgroup.procs, and that wait is over, or nearly so, when the move comes. Returns at once.
 */
int wh_expect_move(const char *procs);

/* ---- descriptor.c ---- */

enum { WH_MAX_FDS = 16 };

struct wh_peer {
  int32_t pid;
  uint32_t uid;
  uint32_t gid;
};

int wh_pipe(int flags, int fds[2]);
int wh_socket_pair(int fds[2]);
int wh_duplicate(int fd);
int wh_pipe_size(int fd);
int wh_set_pipe_size(int fd, int size);
int wh_make_fifo(const char *path, mode_t mode);
int wh_open_fifo(const char *path, int flags);
/* Moves at most `max` bytes from a FIFO to a place in a file, without waiting; 0 at its end. What is not moved stays. */
long wh_drain_fifo(int fifo, int file, int64_t position, size_t max);
int wh_event_counter(void);
int64_t wh_take_events(int fd);
int wh_set_terminal_size(int fd, unsigned short rows, unsigned short columns);
int wh_lock_file(const char *path);

/* ---- socket.c ---- */

int wh_peer_of(int fd, struct wh_peer *out);
int wh_listen(const char *path, int backlog);
int wh_accept(int fd);
long wh_send_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count);
/* Returns the bytes; *count is set to the descriptors taken. More than WH_MAX_FDS is -EMSGSIZE, and none is kept. */
long wh_receive_fds(int socket, void *bytes, size_t length, int *fds, size_t *count);

/* ---- checksum.c ---- */

/* CRC-32 as gzip has it (RFC 1952, 8), of all bytes when it was `before` after those before. ENOSYS: its library is not there. */
int wh_crc32(const void *bytes, size_t length, uint32_t before, uint32_t *into);

/* ---- memory.c ---- */

/* Gives pages that malloc keeps free back to the kernel. */
int wh_trim_allocator(void);
/* Memory that other processes can map, by a descriptor; zeros, and of that size for ever. */
int wh_create_shared(size_t size);
int wh_map_shared(int fd, size_t size, void **into);
/*
 * Unmaps the pages of code and constants of the program and its libraries. They stay in the page cache, where the kernel can take them
 * when it needs memory, and those that are used come back by a minor fault each 64 KiB.
 */
int wh_unmap_code(void);

#endif
