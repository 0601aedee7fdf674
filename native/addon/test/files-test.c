/* Files relative to a directory: names, content, metadata, attributes, removal. */
#define _GNU_SOURCE
#include "core-test.h"
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_names(void) {
  char *out = NULL;
  umask(077);
  EXPECT(wh_mkdirat(root, "dir", 01777), 0);
  EXPECT(mode_of("dir"), S_IFDIR | 01777);
  EXPECT(wh_mkdirat(root, "dir", 0755), -EEXIST);
  EXPECT(wh_mknodat(root, "white", S_IFCHR, 0, 0), 0);
  EXPECT(mode_of("white"), S_IFCHR);
  EXPECT(wh_mknodat(root, "null", S_IFCHR | 0666, 1, 3), 0);
  EXPECT(wh_mknodat(root, "far", S_IFCHR, 1u << 12, 0), -EOVERFLOW);
  EXPECT(wh_mknodat(root, "fifo", S_IFIFO | 0666, 0, 0), 0);
  EXPECT(mode_of("fifo"), S_IFIFO | 0666);
  EXPECT(wh_symlinkat("/dir", root, "link"), 0);
  EXPECT(wh_readlinkat(root, "link", &out), 4);
  EXPECT(memcmp(out, "/dir", 4), 0);
  free(out);
  EXPECT(wh_readlinkat(root, "dir", &out), -EINVAL);
  EXPECT(wh_linkat(root, "link", root, "link2"), 0);
  EXPECT(mode_of("link2") & S_IFMT, S_IFLNK);
  EXPECT(wh_renameat2(root, "link2", root, "link", RENAME_NOREPLACE), -EEXIST);
  EXPECT(wh_renameat2(root, "link2", root, "dir/link3", 0), 0);
  EXPECT(wh_unlinkat(root, "dir", AT_REMOVEDIR), -ENOTEMPTY);
  umask(022);
}

static void test_resolution(void) {
  int fd = opened("link", O_PATH | O_DIRECTORY);
  struct wh_stat by_link, by_name;
  EXPECT(wh_fstat(fd, &by_link), 0);
  EXPECT(wh_fstatat(root, "dir", &by_name), 0);
  EXPECT(by_link.ino == by_name.ino, 1);
  close(fd);
  EXPECT(wh_symlinkat("../../../../etc/passwd", root, "out"), 0);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_IN_ROOT), -ENOENT);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), -ELOOP);
  EXPECT(wh_openat2(root, "..", O_PATH, 0, RESOLVE_BENEATH), -EXDEV);
}

static void test_content(void) {
  const struct timespec then = {.tv_sec = -86400, .tv_nsec = 123456789};
  struct wh_stat found;
  char bytes[16] = {0};
  EXPECT(wh_create_file(root, "file", 06755, 1000, 2000, then, "hello", 5), 0);
  EXPECT(wh_create_file(root, "file", 0644, 0, 0, then, "", 0), -EEXIST);
  EXPECT(wh_fstatat(root, "file", &found), 0);
  EXPECT(found.fields[0], S_IFREG | 06755);
  EXPECT(found.fields[1], 1000);
  EXPECT(found.fields[2], 2000);
  EXPECT(found.fields[3], 5);
  EXPECT(found.fields[12], -86400);
  EXPECT(found.fields[13], 123456789);
  int fd = opened("file", O_RDWR);
  EXPECT(wh_read(fd, bytes, sizeof bytes, 1), 4);
  EXPECT(memcmp(bytes, "ello", 4), 0);
  EXPECT(wh_write(fd, "y", 1, 1 << 20), 1);
  int copy = opened("copy", O_RDWR | O_CREAT | O_EXCL);
  EXPECT(wh_copy_content(fd, copy), 0);
  EXPECT(wh_fstat(copy, &found), 0);
  EXPECT(found.fields[3], (1 << 20) + 1);
  EXPECT(found.fields[4] < 64, 1);
  EXPECT(wh_seek(copy, 4096 * 4, SEEK_DATA), 1 << 20);
  EXPECT(wh_seek(copy, 1 << 21, SEEK_DATA), -ENXIO);
  EXPECT(wh_read(copy, bytes, 1, 1 << 20), 1);
  EXPECT(bytes[0], 'y');
  close(copy);
  close(fd);
  EXPECT(wh_write(-1, "x", 1, -1), -EBADF);
}

static void test_metadata(void) {
  struct wh_metadata all = {.set = WH_SET_OWNER | WH_SET_MODE | WH_SET_TIMES,
                            .uid = 7,
                            .gid = 8,
                            .mode = 04711,
                            .times = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 5, .tv_nsec = 6}}};
  struct wh_stat before, after;
  EXPECT(wh_fstatat(root, "dir", &before), 0);
  EXPECT(wh_set_metadata(root, "link", &all), 0);
  EXPECT(wh_fstatat(root, "link", &after), 0);
  EXPECT(after.fields[1], 7);
  EXPECT(after.fields[13], 6);
  EXPECT(wh_fstatat(root, "dir", &after), 0);
  EXPECT(after.fields[0], before.fields[0]);
  EXPECT(after.fields[1], 0);
  EXPECT(wh_chmod_nofollow(root, "link", 0777), -EOPNOTSUPP);
  EXPECT(wh_chmod_pinned(root, "link", 0777), -EOPNOTSUPP);
  EXPECT(wh_chmod_pinned(root, "dir", 02750), 0);
  EXPECT(mode_of("dir"), S_IFDIR | 02750);
  EXPECT(wh_set_metadata(root, "file", &all), 0);
  EXPECT(mode_of("file"), S_IFREG | 04711);
  int fd = opened("copy", O_PATH);
  EXPECT(wh_set_metadata_fd(fd, &all), 0);
  EXPECT(mode_of("copy"), S_IFREG | 04711);
  close(fd);
  EXPECT(wh_set_metadata(root, "missing", &all), -ENOENT);
}

static void test_xattrs(void) {
  char *room = malloc(WH_XATTR_MAX);
  EXPECT(wh_setxattr(root, "dir", "trusted.overlay.opaque", "y", 1), 0);
  EXPECT(wh_getxattr(root, "dir", "trusted.overlay.opaque", room), 1);
  EXPECT(wh_listxattr(root, "dir", room), sizeof "trusted.overlay.opaque");
  EXPECT(wh_setxattr(root, "link", "trusted.x", "", 0), 0);
  EXPECT(wh_getxattr(root, "link", "trusted.x", room), 0);
  EXPECT(wh_getxattr(root, "", "trusted.none", room), -ENODATA);
  EXPECT(wh_removexattr(root, "link", "trusted.x"), 0);
  EXPECT(wh_listxattr(root, "link", room), 0);
  free(room);
  char *name = malloc(5000);
  memset(name, 'n', 4999);
  name[4999] = '\0';
  EXPECT(wh_setxattr(root, name, "user.x", "", 0), -ENAMETOOLONG);
  free(name);
}

static void test_listing(void) {
  char name[64], *list = NULL;
  int many = opened("dir", O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "a-rather-long-name-of-a-file-%d", i);
    EXPECT(wh_symlinkat("x", many, name), 0);
  }
  for (int round = 0; round < 2; round++) {
    long length = wh_list(many, &list), entries = 0;
    for (long at = 0; at < length; at += 2 + (long)strlen(list + at + 1)) {
      EXPECT(list[at], DT_LNK);
      entries++;
    }
    EXPECT(entries, 3001);
    free(list);
  }
  close(many);
  EXPECT(wh_list(-1, &list), -EBADF);
}

/* Deeper than a path may be long and than this process may open files. */
static void test_removal(void) {
  int at = opened("dir", O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 1500; depth++) {
    EXPECT(wh_mkdirat(at, "deeper-and-deeper", 0755), 0);
    EXPECT(wh_mknodat(at, "file", S_IFREG | 0600, 0, 0), 0);
    int next = wh_openat2(at, "deeper-and-deeper", O_RDONLY | O_DIRECTORY, 0, 0);
    close(at);
    at = next;
  }
  close(at);
  EXPECT(wh_remove_tree(root, "dir"), 0);
  EXPECT(mode_of("dir"), 0);
  EXPECT(wh_remove_tree(root, "link"), 0);
  EXPECT(wh_remove_tree(root, "missing"), 0);
  EXPECT(wh_mkdirat(root, "tree", 0755), 0);
  EXPECT(wh_mkdirat(root, "tree/mounted", 0755), 0);
  char path[4096];
  snprintf(path, sizeof path, "/proc/self/fd/%d/tree/mounted", root);
  EXPECT(wh_mount("tmpfs", path, "tmpfs", MS_NOSUID, "size=64k"), 0);
  EXPECT(wh_mkdirat(root, "tree/mounted/kept", 0755), 0);
  EXPECT(wh_remove_tree(root, "tree") < 0, 1);
  EXPECT(wh_remove_tree(root, "tree/mounted"), -EXDEV);
  EXPECT(mode_of("tree/mounted/kept") & S_IFMT, S_IFDIR);
  EXPECT(wh_mkdirat(root, "tree/mounted/kept/more", 0755), 0);
  EXPECT(wh_remove_tree(root, "tree/mounted/kept"), 0);
  EXPECT(wh_unmount(path, UMOUNT_NOFOLLOW), 0);
  EXPECT(wh_unmount(path, UMOUNT_NOFOLLOW), -EINVAL);
  EXPECT(wh_remove_tree(root, "tree"), 0);
}

void test_files(void) {
  test_names();
  test_resolution();
  test_content();
  test_metadata();
  test_xattrs();
  test_listing();
  test_removal();
}
