/* The plain entries of a layer: parsed and made in one loop, as they are nearly all and cost most where each is handed on. */
#define _GNU_SOURCE
#include "core.h"
#include "keys.h"
#include "pax.h"
#include "plain-header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger files take the kernel so long that to copy them for another thread would gain nothing. */
enum { QUEUED_BYTES_MAX = 64 * 1024, OPEN_MAX_DIRECTORIES = 512, PAGE_BYTES = 4096, LONGEST_COMPONENT = 255, EXTENDED_MAX = 8192 };
/* Directories of one call, whose descriptors are all open at a time. */
enum { MADE_MAX = 128 };

/* Where entries lie; the number is its own among all that there ever were. */
struct place {
  uint64_t number;
  char *path;
};

struct directory {
  uint64_t key; /* 0: none */
  int fd;
  unsigned depth;
  struct place place;
};

/* A file that is written as its data come. */
struct file {
  int fd; /* -1: none */
  struct plain_header header;
  struct place place; /* the directory may be forgotten meanwhile */
  const char *name;
  int64_t left;
  uint32_t crc;
};

struct wh_entries {
  struct wh_queue *queue;
  struct wh_entry_limits limits;
  uint64_t seed;
  struct directory open[OPEN_MAX_DIRECTORIES];
  size_t open_end; /* those that were ever used */
  size_t oldest;   /* gives way when all are used */
  size_t last;     /* most entries lie where the one before them does */
  uint64_t entered;
  struct keys known;
  struct file file;
  int64_t padding; /* of the file before, still to come */
  char attributes[WH_XATTR_MAX];
};

/* The records of one call. */
struct output {
  char *at, *end;
  uint64_t place; /* of the last record */
  unsigned made;  /* directories */
  struct wh_taken *taken;
};

int wh_entries_open(struct wh_queue *queue, struct wh_entry_limits limits, struct wh_entries **out) {
  uint32_t sum;
  int failed = wh_crc32("", 0, 0, &sum);
  if (failed) return failed;
  struct wh_entries *entries = calloc(1, sizeof *entries);
  if (!entries) return -ENOMEM;
  entries->queue = queue;
  entries->limits = limits;
  entries->seed = keys_seed();
  entries->file.fd = -1;
  *out = entries;
  return 0;
}

static void forget(struct directory *directory) {
  free(directory->place.path);
  *directory = (struct directory){.fd = -1};
}

static void close_file(struct file *file) {
  if (file->fd >= 0) close(file->fd);
  free(file->place.path);
  *file = (struct file){.fd = -1};
}

void wh_entries_close(struct wh_entries *entries) {
  for (size_t at = 0; at < entries->open_end; at++) forget(&entries->open[at]);
  close_file(&entries->file);
  keys_free(&entries->known);
  free(entries);
}

int wh_entries_know(struct wh_entries *entries, const char *path) {
  return keys_add(&entries->known, key_of(entries->seed, path, strlen(path)));
}

/* Nothing goes into one whose own name would be a mark. */
static int has_mark(const char *path) { return strncmp(path, ".wh.", 4) == 0 || strstr(path, "/.wh."); }

static unsigned depth_of(const char *path) {
  unsigned depth = *path ? 1 : 0;
  for (; *path; path++) depth += *path == '/';
  return depth;
}

static size_t free_slot(struct wh_entries *entries) {
  for (size_t at = 0; at < entries->open_end; at++)
    if (entries->open[at].key == 0) return at;
  if (entries->open_end < OPEN_MAX_DIRECTORIES) return entries->open_end++;
  size_t at = entries->oldest;
  entries->oldest = (at + 1) % OPEN_MAX_DIRECTORIES;
  forget(&entries->open[at]);
  return at;
}

static size_t find(struct wh_entries *entries, const char *path, size_t length) {
  uint64_t key = key_of(entries->seed, path, length);
  size_t at = entries->last;
  if (entries->open[at].key != key)
    for (at = 0; at < entries->open_end && entries->open[at].key != key; at++) continue;
  if (at >= entries->open_end) return SIZE_MAX;
  const char *found = entries->open[at].place.path;
  if (strncmp(found, path, length) != 0 || found[length]) return SIZE_MAX;
  entries->last = at;
  return at;
}

int wh_entries_enter(struct wh_entries *entries, const char *path, int fd) {
  if (has_mark(path) || find(entries, path, strlen(path)) != SIZE_MAX) return 0;
  char *copy = strdup(path);
  if (!copy) return -ENOMEM;
  struct directory *directory = &entries->open[free_slot(entries)];
  uint64_t key = key_of(entries->seed, path, strlen(path));
  *directory = (struct directory){key, fd, depth_of(path), {++entries->entered, copy}};
  return 0;
}

void wh_entries_leave(struct wh_entries *entries, int fd) {
  for (size_t at = 0; at < entries->open_end; at++)
    if (entries->open[at].key != 0 && entries->open[at].fd == fd) forget(&entries->open[at]);
}

/* A field. The records of one entry, with two names of the longest kind, are no longer than WH_RECORD_MAX. */
__attribute__((format(printf, 2, 3))) static void put(struct output *out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t left = (size_t)(out->end - out->at);
  size_t size = (size_t)vsnprintf(out->at, left, format, arguments) + 1;
  out->at += size < left ? size : left;
  va_end(arguments);
}

static void put_place(struct output *out, const struct place *place) {
  if (out->place == place->number) return;
  put(out, "P%s", place->path);
  out->place = place->number;
}

static void count(struct output *out, int64_t bytes) {
  out->taken->entries++;
  out->taken->inodes++;
  out->taken->bytes += (uint64_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
}

static void record_file(struct output *out, const struct place *place, const struct plain_header *header,
                        const char *name, uint32_t crc) {
  put_place(out, place);
  put(out, "F%s", name);
  /* Not every disk has nanoseconds: then only the content is known. */
  if (header->mtime.tv_nsec != 0)
    put(out, "%lld %x", (long long)header->size, crc);
  else
    put(out, ",%u,%u,%u,%lld,0,\"%lld %x\",[]]", (unsigned)S_IFREG | (unsigned)header->mode, (unsigned)header->uid,
        (unsigned)header->gid, (long long)header->mtime.tv_sec, (long long)header->size, crc);
  count(out, header->size);
}

/* What is done with an entry: it may be left to the caller, or an errno. */
enum { TAKEN = 0, LEFT = 1 };

static int add_to_queue(struct wh_entries *entries, const struct directory *directory, const struct plain_header *header,
                        const char *name, const char *bytes, size_t length) {
  struct wh_new what = {.dir = directory->fd,
                        .is_link = header->type == '2',
                        .name = name,
                        .entry = header->name,
                        .mode = header->mode,
                        .uid = header->uid,
                        .gid = header->gid,
                        .mtime = header->mtime,
                        .bytes = bytes,
                        .length = length};
  return wh_queue_add(entries->queue, &what);
}

static int make_whole_file(struct wh_entries *entries, const struct directory *directory,
                           const struct plain_header *header, const char *name, const char *bytes) {
  size_t length = (size_t)header->size;
  if (length <= QUEUED_BYTES_MAX) return add_to_queue(entries, directory, header, name, bytes, length);
  int failed = wh_create_file(directory->fd, name, header->mode, header->uid, header->gid, header->mtime, bytes, length);
  return failed == -EEXIST ? LEFT : failed;
}

static int begin_file(struct wh_entries *entries, const struct directory *directory, const struct plain_header *header,
                      size_t name_at) {
  struct file *file = &entries->file;
  char *path = strdup(directory->place.path);
  if (!path) return -ENOMEM;
  *file = (struct file){-1, *header, {directory->place.number, path}, NULL, header->size, 0};
  file->name = file->header.name + name_at;
  file->fd = openat(directory->fd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file->fd >= 0) return TAKEN;
  int failed = errno == EEXIST ? LEFT : -errno;
  close_file(file);
  return failed;
}

static int end_file(struct wh_entries *entries, struct output *out) {
  struct file *file = &entries->file;
  const struct plain_header *header = &file->header;
  struct wh_metadata metadata = {WH_SET_OWNER | WH_SET_MODE | WH_SET_TIMES,
                                 header->uid,
                                 header->gid,
                                 header->mode,
                                 {header->mtime, header->mtime}};
  int failed = wh_set_metadata_fd(file->fd, &metadata);
  if (close(file->fd) < 0 && !failed) failed = -errno;
  file->fd = -1;
  if (failed) return failed;
  record_file(out, &file->place, header, file->name, file->crc);
  close_file(file);
  return TAKEN;
}

static int64_t padding_of(int64_t size) { return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK; }

/* Goes on with a file whose data began before, or before this piece. */
static int go_on(struct wh_entries *entries, const char *bytes, size_t length, struct output *out) {
  struct file *file = &entries->file;
  size_t *next = &out->taken->next;
  if (file->fd >= 0) {
    size_t count = (int64_t)(length - *next) < file->left ? length - *next : (size_t)file->left;
    long failed = wh_write(file->fd, bytes + *next, count, -1);
    if (failed < 0) return (int)failed;
    wh_crc32(bytes + *next, count, file->crc, &file->crc);
    *next += count;
    file->left -= (int64_t)count;
    if (file->left > 0) return TAKEN;
    entries->padding = padding_of(file->header.size);
    int ended = end_file(entries, out);
    if (ended) return ended;
  }
  size_t skipped = (int64_t)(length - *next) < entries->padding ? length - *next : (size_t)entries->padding;
  *next += skipped;
  entries->padding -= (int64_t)skipped;
  return TAKEN;
}

static int take_file(struct wh_entries *entries, const struct directory *directory, const struct plain_header *header,
                     size_t name_at, const char *bytes, size_t length, struct output *out) {
  const char *name = header->name + name_at;
  int64_t padded = header->size + padding_of(header->size);
  out->taken->next += TAR_BLOCK;
  if (padded > (int64_t)(length - out->taken->next)) {
    int failed = begin_file(entries, directory, header, name_at);
    return failed ? failed : go_on(entries, bytes, length, out);
  }
  const char *content = bytes + out->taken->next;
  int failed = make_whole_file(entries, directory, header, name, content);
  if (failed) return failed;
  uint32_t crc;
  wh_crc32(content, (size_t)header->size, 0, &crc);
  record_file(out, &directory->place, header, name, crc);
  out->taken->next += (size_t)padded;
  return TAKEN;
}

static int describe_directory(int fd, const struct plain_header *header) {
  struct stat made;
  if (fstat(fd, &made) < 0) return -errno;
  struct wh_metadata metadata = {.uid = header->uid, .gid = header->gid, .mode = header->mode};
  /* A change of the owner takes bits of the mode away. */
  if (made.st_uid != header->uid || made.st_gid != header->gid) metadata.set = WH_SET_OWNER | WH_SET_MODE;
  if ((made.st_mode & 07777) != header->mode) metadata.set |= WH_SET_MODE;
  return wh_set_metadata_fd(fd, &metadata);
}

/* A new directory as its entry describes it, but for what has to wait until all is written. Returns a descriptor. */
static int make_directory(int parent, const struct plain_header *header, const char *name) {
  if (mkdirat(parent, name, header->mode & 0777) < 0) return -errno;
  int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  int failed = describe_directory(fd, header);
  if (!failed) return fd;
  close(fd);
  return failed;
}

static int take_directory(struct wh_entries *entries, const struct directory *parent, const struct plain_header *header,
                          const char *path, const char *name, struct output *out) {
  int fd = make_directory(parent->fd, header, name);
  if (fd < 0) return fd == -EEXIST ? LEFT : fd;
  long listed = wh_listxattr(fd, "", entries->attributes);
  put_place(out, &parent->place);
  put(out, "D%s", name);
  put(out, "%d %u %u %u %lld %ld %d", fd, (unsigned)header->uid, (unsigned)header->gid, (unsigned)header->mode,
      (long long)header->mtime.tv_sec, header->mtime.tv_nsec, listed > 0);
  count(out, PAGE_BYTES);
  out->made++;
  out->taken->next += TAR_BLOCK;
  if (listed < 0 && listed != -EOPNOTSUPP) return (int)listed;
  int failed = wh_entries_know(entries, path);
  return failed ? failed : wh_entries_enter(entries, path, fd);
}

static int take_link(struct wh_entries *entries, const struct directory *directory, const struct plain_header *header,
                     const char *name, struct output *out) {
  int failed = add_to_queue(entries, directory, header, name, header->link, strlen(header->link));
  if (failed) return failed;
  count(out, 0);
  out->taken->next += TAR_BLOCK;
  return TAKEN;
}

/* A name that stands for itself: no mark, and nothing that the kernel takes for another place. */
static int is_ordinary(const char *name, size_t length) {
  return length > 0 && length <= LONGEST_COMPONENT && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !has_mark(name);
}

static int take_named(struct wh_entries *entries, struct plain_header *header, const char *bytes, size_t length,
                      struct output *out) {
  const char *path = strncmp(header->name, "./", 2) == 0 ? header->name + 2 : header->name;
  if (header->name_length > entries->limits.path_bytes || *path == '/') return LEFT;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (!is_ordinary(name, strlen(name)) || keys_has(&entries->known, key_of(entries->seed, path, strlen(path))))
    return LEFT;
  size_t at = find(entries, path, slash ? (size_t)(slash - path) : 0);
  if (at == SIZE_MAX) return LEFT;
  const struct directory *directory = &entries->open[at];
  if (directory->depth >= entries->limits.depth || wh_queue_waits(entries->queue, directory->fd, name)) return LEFT;
  if (header->type == '5') return take_directory(entries, directory, header, path, name, out);
  if (header->type == '2') return take_link(entries, directory, header, name, out);
  return take_file(entries, directory, header, (size_t)(name - header->name), bytes, length, out);
}

/* The header at hand and what an extended header before it says, if all of that has come; `next` is then where the header is. */
static int read_header(const struct wh_entries *entries, const char *bytes, size_t length, size_t *next,
                       struct plain_header *header) {
  if (length - *next < TAR_BLOCK || !plain_header_read((const unsigned char *)bytes + *next, header)) return 0;
  if (header->type != 'x') return 1;
  size_t data = *next + TAR_BLOCK;
  struct pax pax;
  if (header->size > EXTENDED_MAX || (size_t)header->size > entries->limits.extended_bytes) return 0;
  size_t at = data + (size_t)(header->size + padding_of(header->size));
  if (length < TAR_BLOCK || at > length - TAR_BLOCK || !pax_read(bytes + data, (size_t)header->size, &pax)) return 0;
  *next = at;
  return plain_header_read_extended((const unsigned char *)bytes + at, &pax, header);
}

static int take_entry(struct wh_entries *entries, const char *bytes, size_t length, struct output *out) {
  struct plain_header header;
  size_t at = out->taken->next;
  if (!read_header(entries, bytes, length, &out->taken->next, &header)) {
    out->taken->next = at;
    return LEFT;
  }
  int is_slashed = header.type == '5' && header.name[header.name_length - 1] == '/';
  if (is_slashed) header.name[header.name_length - 1] = '\0';
  int outcome = take_named(entries, &header, bytes, length, out);
  if (outcome == LEFT) out->taken->next = at;
  if (outcome < 0) put(out, "X%s%s", header.name, is_slashed ? "/" : "");
  return outcome;
}

static int is_midway(const struct wh_entries *entries) { return entries->file.fd >= 0 || entries->padding > 0; }

void wh_entries_take(struct wh_entries *entries, const char *bytes, size_t length, size_t at, uint64_t left, char *records,
                     size_t room, struct wh_taken *taken) {
  struct output out = {records, records + room, 0, 0, taken};
  *taken = (struct wh_taken){.next = at};
  int outcome = wh_queue_failed(entries->queue);
  if (outcome == TAKEN && is_midway(entries)) {
    outcome = go_on(entries, bytes, length, &out);
    if (outcome < 0) put(&out, "X%s", entries->file.header.name);
  }
  while (outcome == TAKEN && !is_midway(entries) && taken->next < length && taken->entries < left &&
         out.made < MADE_MAX && out.end - out.at >= WH_RECORD_MAX)
    outcome = take_entry(entries, bytes, length, &out);
  taken->midway = is_midway(entries);
  taken->records = (size_t)(out.at - records);
  taken->failed = outcome < 0 ? outcome : 0;
}
