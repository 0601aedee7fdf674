#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int wh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  return (int)wh_result(mount(source, target, type, flags, data));
}

int wh_unmount(const char *target, int flags) { return (int)wh_result(umount2(target, flags)); }

static int apply(int dir, const char *path, unsigned flags, const struct wh_attributes *attributes) {
  struct mount_attr attr = {
      .attr_set = attributes->set, .attr_clr = attributes->clear, .propagation = attributes->propagation};
  if (!attr.attr_set && !attr.attr_clr && !attr.propagation) return 0;
  if (attributes->recursive) flags |= AT_RECURSIVE;
  return (int)wh_result(mount_setattr(dir, path, flags, &attr, sizeof attr));
}

int wh_set_attributes(const char *target, const struct wh_attributes *attributes) {
  return apply(AT_FDCWD, target, 0, attributes);
}

static int attach(int fd, const char *target) {
  return (int)wh_result(move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS));
}

int wh_bind(const char *source, const char *target, int recursive, const struct wh_attributes *attributes) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (recursive) flags |= AT_RECURSIVE;
  int tree = open_tree(AT_FDCWD, source, flags);
  if (tree < 0) return -errno;
  int failed = attributes->user_namespace > 0 ? wh_map_tree(tree, attributes->user_namespace) : 0;
  if (!failed) failed = apply(tree, "", AT_EMPTY_PATH, attributes);
  if (!failed) failed = attach(tree, target);
  close(tree);
  return failed;
}

static int is_of_upper(const char *key) { return !strcmp(key, "upperdir") || !strcmp(key, "workdir"); }

/* A superblock of layers->lower, and then of `beneath`, the merged rest of them; without `beneath` it is the rest. */
static int configure(int context, const struct wh_layers *layers, const char *beneath, int with_upper) {
  if (fsconfig(context, FSCONFIG_SET_STRING, "source", layers->source, 0) < 0) return -errno;
  for (size_t i = 0; i < layers->lower_count; i++)
    if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", layers->lower[i], 0) < 0) return -errno;
  if (beneath && fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", beneath, 0) < 0) return -errno;
  for (size_t i = 0; i < layers->option_count; i++) {
    const char *key = layers->options[2 * i], *value = layers->options[2 * i + 1];
    unsigned command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (!with_upper && is_of_upper(key)) continue;
    if (fsconfig(context, command, key, value, 0) < 0) return -errno;
  }
  return (int)wh_result(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

/* The mount is not attached anywhere yet. */
static int make_overlay(const struct wh_layers *layers, const char *beneath, int with_upper) {
  int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0) return -errno;
  int failed = configure(context, layers, beneath, with_upper);
  int fd = failed ? failed : (int)wh_result(fsmount(context, FSMOUNT_CLOEXEC, (unsigned)layers->attributes));
  close(context);
  return fd;
}

static int attach_overlay(int fd, const char *target) {
  if (fd < 0) return fd;
  int failed = attach(fd, target);
  close(fd);
  return failed;
}

/* One directory a call: any number of layers, from Linux 6.8 on, each path under 256 bytes. */
static int mount_by_context(const struct wh_layers *layers) {
  if (layers->lower_count <= WH_OVERLAY_LAYERS) return attach_overlay(make_overlay(layers, NULL, 1), layers->target);
  /* More than one overlay takes: the lowest ones become an overlay of their own. It is seen at the target until the upper one has it. */
  struct wh_layers top = *layers, bottom = *layers;
  top.lower_count = WH_OVERLAY_LAYERS - 1;
  bottom.lower += top.lower_count;
  bottom.lower_count -= top.lower_count;
  if (bottom.lower_count > WH_OVERLAY_LAYERS) return -E2BIG;
  int failed = attach_overlay(make_overlay(&bottom, NULL, 0), layers->target);
  if (failed) return failed;
  int fd = make_overlay(&top, layers->target, 1);
  failed = wh_unmount(layers->target, MNT_DETACH);
  if (failed && fd >= 0) close(fd);
  return failed ? failed : attach_overlay(fd, layers->target);
}

struct private_mount {
  const struct wh_layers *layers;
  int result;
};

/* The working directory belongs to the whole process, unless a thread takes its own with CLONE_FS; it ends with the thread. */
static void *mount_from_directory(void *argument) {
  struct private_mount *job = argument;
  const struct wh_layers *layers = job->layers;
  if (unshare(CLONE_FS) < 0 || chdir(layers->directory) < 0)
    job->result = -errno;
  else
    job->result = wh_mount(layers->source, layers->target, "overlay", layers->flags, layers->data);
  return NULL;
}

static int mount_relative(const struct wh_layers *layers) {
  struct private_mount job = {layers, 0};
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, mount_from_directory, &job);
  if (failed) return -failed;
  pthread_join(thread, NULL);
  return job.result;
}

int wh_mount_layers(const struct wh_layers *layers) {
  if (layers->data && layers->lower_count <= WH_OVERLAY_LAYERS) return mount_relative(layers);
  return mount_by_context(layers);
}
