/* Queues of files, and plain entries of archives. */
#define _GNU_SOURCE
#include "core-test.h"
#include "core.h"
#include "pax.h"
#include "plain-header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char large[1 << 16];

static int add(struct wh_queue *queue, int dir, const char *name, size_t length) {
  struct wh_new what = {.dir = dir, .name = name, .entry = name, .mode = 0640, .uid = 7, .gid = 8};
  what.mtime = (struct timespec){.tv_sec = 5, .tv_nsec = 6};
  what.bytes = large;
  what.length = length;
  return wh_queue_add(queue, &what);
}

static int settled(struct wh_queue *queue, const char *expected) {
  char *entry = NULL;
  int failed = wh_queue_settle(queue, &entry);
  EXPECT(entry != NULL, expected != NULL);
  if (entry && expected) EXPECT(strcmp(entry, expected), 0);
  free(entry);
  return failed;
}

static void test_contents(struct wh_queue *queue, int dir) {
  char name[32];
  for (int i = 0; i < 200; i++) {
    if (i == 150) EXPECT(settled(queue, NULL), 0);
    snprintf(name, sizeof name, "%d", i % 150);
    EXPECT(wh_queue_waits(queue, dir, name), 0);
    EXPECT(add(queue, dir, name, i < 150 ? sizeof large : (size_t)i), 0);
    EXPECT(wh_queue_waits(queue, dir, name), 1);
  }
  EXPECT(wh_queue_waits(queue, dir, "."), 1);
  EXPECT(wh_queue_waits(queue, dir, "another"), 0);
  EXPECT(wh_queue_waits(queue, dir, "down/there"), 1);
  EXPECT(wh_queue_waits(queue, root, "."), 0);
  EXPECT(wh_queue_waits(queue, root, ".."), 1);
  EXPECT(settled(queue, NULL), 0);
  EXPECT(wh_queue_waits(queue, dir, "."), 0);
  struct wh_stat found;
  EXPECT(wh_fstatat(dir, "149", &found), 0);
  EXPECT(found.fields[3], sizeof large);
  EXPECT(wh_fstatat(dir, "49", &found), 0);
  EXPECT(found.fields[3], 199);
  EXPECT(found.fields[0], S_IFREG | 0640);
  EXPECT(found.fields[1], 7);
  EXPECT(found.fields[13], 6);
}

static void test_failures(struct wh_queue *queue, int dir) {
  char name[32];
  struct wh_stat found;
  /* A directory does not give way. What comes before it is made, and what comes after it when the failure was told. */
  EXPECT(wh_mkdirat(dir, "way", 0755), 0);
  EXPECT(wh_symlinkat("elsewhere", dir, "link"), 0);
  EXPECT(add(queue, dir, "link", 0), 0);
  EXPECT(add(queue, dir, "way", 0), 0);
  EXPECT(settled(queue, "way"), -EISDIR);
  EXPECT(mode_of("queued/link"), S_IFREG | 0640);
  EXPECT(wh_queue_failed(queue), 0);
  EXPECT(add(queue, dir, "after", 0), 0);
  EXPECT(settled(queue, NULL), 0);
  EXPECT(wh_fstatat(dir, "after", &found), 0);
  /* Of several that fail the first is told, whoever met it, and all before it are there. */
  EXPECT(wh_mkdirat(dir, "path", 0755), 0);
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 60; i++) {
      snprintf(name, sizeof name, i < 30 ? "before-%d-%d" : i == 30 ? "way" : "path", round, i);
      EXPECT(add(queue, dir, name, 0), 0);
    }
    EXPECT(settled(queue, "way"), -EISDIR);
    for (int i = 0; i < 30; i++) {
      snprintf(name, sizeof name, "before-%d-%d", round, i);
      EXPECT(wh_fstatat(dir, name, &found), 0);
    }
  }
}

static void test_queue(void) {
  struct wh_queue *queue = NULL;
  char name[32];
  memset(large, 'l', sizeof large);
  EXPECT(wh_mkdirat(root, "queued", 0755), 0);
  int dir = opened("queued", O_RDONLY | O_DIRECTORY);
  EXPECT(wh_queue_open(&queue), 0);
  test_contents(queue, dir);
  test_failures(queue, dir);
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "many-%d", i);
    EXPECT(add(queue, dir, name, 3), 0);
  }
  EXPECT(settled(queue, NULL), 0);
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "last-%d", i);
    add(queue, dir, name, sizeof large);
  }
  wh_queue_close(queue);
  close(dir);
  EXPECT(wh_remove_tree(root, "queued"), 0);
}

static void set_checksum(unsigned char *block) {
  unsigned sum = 0;
  memset(block + 148, ' ', 8);
  for (int at = 0; at < TAR_BLOCK; at++) sum += block[at];
  snprintf((char *)block + 148, 8, "%06o", sum);
}

static void header(unsigned char *block, char type, const char *name, size_t size) {
  memset(block, 0, TAR_BLOCK);
  strncpy((char *)block, name, 100);
  memcpy(block + 100, "0000640\0000000007\0000000010", 23);
  snprintf((char *)block + 124, 12, "%011o", (unsigned)size);
  memcpy(block + 136, "00000000005", 11);
  block[156] = (unsigned char)type;
  memcpy(block + 257, "ustar\00000", 8);
  set_checksum(block);
}

/* A name and whether it is read, with a prefix and how the field of a number begins. */
static void test_header(void) {
  unsigned char block[TAR_BLOCK];
  struct plain_header found;
  header(block, '0', "name", 5);
  EXPECT(plain_header_read(block, &found), 1);
  EXPECT(found.mode, 0640);
  EXPECT(found.uid, 7);
  EXPECT(found.gid, 8);
  EXPECT(found.size, 5);
  EXPECT(found.mtime.tv_sec, 5);
  memset(block, 'n', 100);
  memset(block + 345, 'p', 155);
  set_checksum(block);
  EXPECT(plain_header_read(block, &found), 1);
  EXPECT(found.name_length, 256);
  EXPECT(found.name[154] == 'p' && found.name[155] == '/' && found.name[156] == 'n', 1);
  memcpy(block + 508, "tar", 4);
  set_checksum(block);
  EXPECT(plain_header_read(block, &found), 0);
  static const struct {
    int at;
    const char *bytes;
  } others[] = {{0, ""}, {3, "/"}, {100, "\x80"}, {100, "8"}, {124, "\xff"}, {136, "2"}, {156, "1"}, {156, "5"}, {257, "vstar"}, {329, "x"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    header(block, '0', "name", 5);
    /* With its NUL, so that a name can be empty, or end. */
    memcpy(block + others[i].at, others[i].bytes, others[i].at < 100 ? strlen(others[i].bytes) + 1 : strlen(others[i].bytes));
    set_checksum(block);
    EXPECT(plain_header_read(block, &found), 0);
  }
  header(block, '2', "name", 0);
  EXPECT(plain_header_read(block, &found), 0);
  header(block, '0', "name", 5);
  block[148] = '7';
  EXPECT(plain_header_read(block, &found), 0);
}

static int pax_of(const char *data, struct pax *out) { return pax_read(data, strlen(data), out); }

static void test_pax(void) {
  struct pax found;
  EXPECT(pax_of("", &found), 1);
  EXPECT(pax_of("12 path=a/b\n20 mtime=12.5\n", &found), 0);
  EXPECT(pax_of("12 path=a/b\n14 mtime=12.5\n12 ctime=99\n", &found), 1);
  EXPECT(found.path_length, 3);
  EXPECT(memcmp(found.path, "a/b", 3), 0);
  EXPECT(found.has_mtime, 1);
  EXPECT(found.mtime.tv_sec, 12);
  EXPECT(found.mtime.tv_nsec, 500000000);
  static const char *const others[] = {
      "12 path=a/b",        "12 path=a/b\n1",     "9 path=\n",           "8 uid=1\n",     "12 mtime=-1\n", "12 mtime=1x\n",
      "20 mtime=2147483648\n", "3 =\n",             "99999999999 path=a\n", "x",            "2 \n",          "0 path=a\n",
      "22 mtime=1.0000000001\n", "12 atime=99\n"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) EXPECT(pax_of(others[i], &found), 0);
  EXPECT(pax_read("10 path=\0\n", 10, &found), 0);
}

static char records[1 << 16];

/* A file, a directory with a file, a link, in pieces of `step` bytes. */
static void test_pieces(struct wh_queue *queue, size_t step) {
  enum { FILE_BYTES = 1300, BLOCKS = 1 + 3 + 1 + 1 + 3 + 1 };
  static unsigned char archive[BLOCKS * TAR_BLOCK];
  struct wh_entries *entries = NULL;
  struct wh_taken taken = {0};
  struct wh_stat found;
  char *target = NULL;
  EXPECT(wh_mkdirat(root, "layer", 0755), 0);
  int dir = opened("layer", O_RDONLY | O_DIRECTORY);
  memset(archive, 'd', sizeof archive);
  header(archive, '0', "./file", FILE_BYTES);
  header(archive + 4 * TAR_BLOCK, '5', "sub/", 0);
  header(archive + 5 * TAR_BLOCK, '0', "sub/file", FILE_BYTES);
  header(archive + 9 * TAR_BLOCK, '2', "sub/link", 0);
  memcpy(archive + 9 * TAR_BLOCK + 157, "elsewhere", 10);
  set_checksum(archive + 9 * TAR_BLOCK);
  EXPECT(wh_entries_open(queue, (struct wh_entry_limits){100, 9, 1000}, &entries), 0);
  EXPECT(wh_entries_enter(entries, "", dir), 0);
  uint64_t made = 0;
  int opened_fd = -1;
  for (size_t from = 0; from < sizeof archive; from += step) {
    size_t length = sizeof archive - from < step ? sizeof archive - from : step;
    wh_entries_take(entries, (char *)archive + from, length, 0, 99, records, sizeof records, &taken);
    EXPECT(taken.failed, 0);
    EXPECT(taken.next, length);
    made += taken.entries;
    for (char *at = records; at < records + taken.records; at += strlen(at) + 1)
      if (strcmp(at, "Dsub") == 0) opened_fd = atoi(at + 5);
  }
  EXPECT(taken.midway, 0);
  EXPECT(made, 4);
  EXPECT(opened_fd > 2, 1);
  EXPECT(settled(queue, NULL), 0);
  EXPECT(wh_fstatat(dir, "file", &found), 0);
  EXPECT(found.fields[3], FILE_BYTES);
  EXPECT(found.fields[0], S_IFREG | 0640);
  EXPECT(wh_fstatat(opened_fd, "file", &found), 0);
  EXPECT(found.fields[12], 5);
  EXPECT(wh_fstatat(dir, "sub", &found), 0);
  EXPECT(found.fields[0], S_IFDIR | 0640);
  EXPECT(found.fields[1], 7);
  EXPECT(wh_readlinkat(opened_fd, "link", &target), 9);
  free(target);
  /* Nothing goes where somebody else has to look: a known directory, a mark, too long or deep a name, a directory that was left. */
  static const char *const left[] = {"sub", ".wh.file", "..", "sub/..", "a/b", "/x", "sub//x", "sub/./x",
                                     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"};
  for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
    header(archive, '0', left[i], 0);
    wh_entries_take(entries, (char *)archive, TAR_BLOCK, 0, 99, records, sizeof records, &taken);
    if (strlen(left[i]) == 100) continue; /* as long as is allowed */
    EXPECT(taken.next, 0);
  }
  wh_entries_leave(entries, opened_fd);
  header(archive, '0', "sub/more", 0);
  wh_entries_take(entries, (char *)archive, TAR_BLOCK, 0, 99, records, sizeof records, &taken);
  EXPECT(taken.next, 0);
  /* What ends midway leaves nothing open. */
  header(archive, '0', "cut", sizeof archive);
  wh_entries_take(entries, (char *)archive, sizeof archive, 0, 99, records, sizeof records, &taken);
  EXPECT(taken.midway, 1);
  wh_entries_close(entries);
  EXPECT(settled(queue, NULL), 0);
  close(opened_fd);
  close(dir);
  EXPECT(wh_remove_tree(root, "layer"), 0);
}

void test_entries(void) {
  struct wh_queue *queue = NULL;
  test_queue();
  test_header();
  test_pax();
  EXPECT(wh_queue_open(&queue), 0);
  uint32_t sum;
  if (wh_crc32("", 0, 0, &sum) == 0) {
    test_pieces(queue, 1 << 20);
    test_pieces(queue, TAR_BLOCK);
    test_pieces(queue, 3 * TAR_BLOCK);
  }
  wh_queue_close(queue);
}
