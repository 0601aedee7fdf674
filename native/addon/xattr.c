#include "core.h"

#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

/*
 * The calls for attributes take no directory descriptor before Linux 6.13, and /proc/self/fd/N itself is refused as the
 * last component (EOPNOTSUPP); a path that goes through it is not.
 */
enum { LONGEST_PATH = 4096 };

struct place {
  char path[LONGEST_PATH];
};

static int locate(struct place *out, int dir, const char *name) {
  int length = snprintf(out->path, sizeof out->path, "/proc/self/fd/%d/%s", dir, *name ? name : ".");
  return length < (int)sizeof out->path ? 0 : -ENAMETOOLONG;
}

long wh_getxattr(int dir, const char *name, const char *attribute, void *value) {
  struct place place;
  int failed = locate(&place, dir, name);
  return failed ? failed : wh_result(lgetxattr(place.path, attribute, value, WH_XATTR_MAX));
}

long wh_listxattr(int dir, const char *name, char *names) {
  struct place place;
  int failed = locate(&place, dir, name);
  return failed ? failed : wh_result(llistxattr(place.path, names, WH_XATTR_MAX));
}

int wh_setxattr(int dir, const char *name, const char *attribute, const void *value, size_t length) {
  struct place place;
  int failed = locate(&place, dir, name);
  return failed ? failed : (int)wh_result(lsetxattr(place.path, attribute, value, length, 0));
}

int wh_removexattr(int dir, const char *name, const char *attribute) {
  struct place place;
  int failed = locate(&place, dir, name);
  return failed ? failed : (int)wh_result(lremovexattr(place.path, attribute));
}
