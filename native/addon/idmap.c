#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, DATA_BYTES = 4096 };

/* Lives in the new user namespace as long as the other end of the pipe is open, so a daemon that is killed leaves nobody behind. */
static int wait_for_end(void *argument) {
  int *ends = argument;
  char byte;
  if (dup2(ends[0], 0) < 0 || close_range(1, ~0u, 0) < 0) _exit(1);
  while (read(0, &byte, 1) < 0 && errno == EINTR) continue;
  _exit(0);
}

static int write_map(pid_t pid, const char *file, const char *map) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t wrote = write(fd, map, strlen(map));
  int failed = wrote < 0 ? -errno : (size_t)wrote == strlen(map) ? 0 : -EINVAL;
  close(fd);
  return failed;
}

static int open_namespace_of(pid_t pid, const char *uid_map, const char *gid_map) {
  char path[64];
  int failed = write_map(pid, "uid_map", uid_map);
  if (!failed) failed = write_map(pid, "gid_map", gid_map);
  if (failed) return failed;
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
  return (int)wh_result(open(path, O_RDONLY | O_CLOEXEC));
}

int wh_user_namespace(const char *uid_map, const char *gid_map) {
  _Alignas(16) char stack[STACK_BYTES];
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  /* A copy of the process, as by fork(2), whose end is told to nobody: only this call waits for it. */
  pid_t pid = clone(wait_for_end, stack + sizeof stack, CLONE_NEWUSER, ends);
  int fd = pid < 0 ? -errno : open_namespace_of(pid, uid_map, gid_map);
  close(ends[0]);
  close(ends[1]);
  if (pid > 0)
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) continue;
  return fd;
}

int wh_map_tree(int tree, int user_namespace) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
  return (int)wh_result(mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr));
}

/* A mapped view of a directory at a new directory `name` of the working directory. */
static int attach_mapped(const char *source, int user_namespace, const char *name) {
  if (mkdir(name, 0700) < 0) return -errno;
  int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) return -errno;
  int failed = wh_map_tree(tree, user_namespace);
  if (!failed) failed = (int)wh_result(move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH));
  close(tree);
  return failed;
}

/* Layers first to last, by their numbers, and then `beneath`. */
static int mount_numbered(const struct wh_layers *layers, size_t first, size_t last, const char *beneath, int with_upper,
                          const char *place) {
  char data[DATA_BYTES];
  size_t used = (size_t)snprintf(data, sizeof data, "%s%slowerdir=", with_upper ? layers->data : "",
                                 with_upper && *layers->data ? "," : "");
  for (size_t i = first; i < last && used < sizeof data; i++)
    used += (size_t)snprintf(data + used, sizeof data - used, "%s%zu", i == first ? "" : ":", i);
  if (beneath && used < sizeof data) used += (size_t)snprintf(data + used, sizeof data - used, ":%s", beneath);
  if (used >= sizeof data) return -E2BIG;
  if (mkdir(place, 0700) < 0) return -errno;
  return wh_mount(layers->source, place, "overlay", layers->flags, data);
}

static int mount_stack(const struct wh_layers *layers) {
  size_t count = layers->lower_count;
  if (count <= WH_OVERLAY_LAYERS) return mount_numbered(layers, 0, count, NULL, 1, "merged");
  int failed = mount_numbered(layers, WH_OVERLAY_LAYERS - 1, count, NULL, 0, "beneath");
  return failed ? failed : mount_numbered(layers, 0, WH_OVERLAY_LAYERS - 1, "beneath", 1, "merged");
}

/* Makes the overlay where only this thread sees it. Returns it as a tree that is attached nowhere. */
static int make_mapped(const struct wh_layers *layers, int user_namespace) {
  char name[32];
  if (unshare(CLONE_NEWNS) < 0) return -errno;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -errno;
  if (mount("tmpfs", layers->target, "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, "mode=0700") < 0) return -errno;
  if (chdir(layers->target) < 0) return -errno;
  for (size_t i = 0; i < layers->lower_count; i++) {
    snprintf(name, sizeof name, "%zu", i);
    int failed = attach_mapped(layers->lower[i], user_namespace, name);
    if (failed) return failed;
  }
  int failed = mount_stack(layers);
  return failed ? failed : (int)wh_result(open_tree(AT_FDCWD, "merged", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int attach_in(int namespace, int tree, int place) {
  if (setns(namespace, CLONE_NEWNS) < 0) return -errno;
  return (int)wh_result(move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

struct mapped_job {
  const struct wh_layers *layers;
  int user_namespace;
  int result;
};

static int mount_mapped(const struct mapped_job *job) {
  int namespace = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (namespace < 0) return -errno;
  int place = open(job->layers->target, O_PATH | O_CLOEXEC);
  int failed = place < 0 ? -errno : 0;
  int tree = failed ? failed : make_mapped(job->layers, job->user_namespace);
  if (!failed) failed = tree < 0 ? tree : attach_in(namespace, tree, place);
  if (tree >= 0) close(tree);
  if (place >= 0) close(place);
  close(namespace);
  return failed;
}

/* The mount namespace of this thread goes with it, and all mapped layers in it, also when the process is killed. */
static void *mapped_thread(void *argument) {
  struct mapped_job *job = argument;
  job->result = mount_mapped(job);
  return NULL;
}

int wh_mount_mapped_layers(const struct wh_layers *layers, int user_namespace) {
  if (layers->lower_count > 2 * WH_OVERLAY_LAYERS - 1) return -E2BIG;
  struct mapped_job job = {layers, user_namespace, 0};
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, mapped_thread, &job);
  if (failed) return -failed;
  pthread_join(thread, NULL);
  return job.result;
}
