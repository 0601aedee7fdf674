#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_SEGMENTS = 256 };

struct segments {
  size_t count;
  struct {
    uintptr_t start, end;
  } of[MAX_SEGMENTS];
};

/* What no relocation and no store ever reaches: the segments that were never writable. Those made read-only later are not among them. */
static int note_segments(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size;
  struct segments *segments = data;
  for (int i = 0; i < object->dlpi_phnum && segments->count < MAX_SEGMENTS; i++) {
    const ElfW(Phdr) *header = &object->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || (header->p_flags & PF_W)) continue;
    uintptr_t start = object->dlpi_addr + header->p_vaddr;
    segments->of[segments->count].start = start;
    segments->of[segments->count++].end = start + header->p_memsz;
  }
  return 0;
}

static int is_within(const struct segments *segments, uintptr_t start, uintptr_t end) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < segments->count; i++)
    if (start >= segments->of[i].start / page * page && end < segments->of[i].end + page) return 1;
  return 0;
}

/*
 * The mapping that a line of proc(5)'s maps is about, if its pages are those of a file and come back from it: a program can move its
 * code to memory of its own (Node's --use-largepages), and then there is no file behind it.
 */
static int is_of_a_file(const char *line, uintptr_t *start, uintptr_t *end) {
  char permissions[5];
  uint64_t inode;
  if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*x:%*x %" SCNu64, start, end, permissions, &inode) != 4) return 0;
  return inode != 0 && permissions[0] == 'r' && permissions[1] == '-' && permissions[3] == 'p';
}

int wh_unmap_code(void) {
  struct segments segments = {.count = 0};
  dl_iterate_phdr(note_segments, &segments);
  FILE *maps = fopen("/proc/self/maps", "re");
  if (!maps) return -errno;
  char line[4608];
  int result = 0;
  uintptr_t start, end;
  while (result == 0 && fgets(line, sizeof line, maps)) {
    if (!is_of_a_file(line, &start, &end) || !is_within(&segments, start, end)) continue;
    if (madvise((void *)start, end - start, MADV_DONTNEED) != 0 && errno != EINVAL) result = -errno; /* EINVAL: mlockall(2) */
  }
  fclose(maps);
  return result;
}

int wh_trim_allocator(void) {
  malloc_trim(0);
  return 0;
}

int wh_create_shared(size_t size) {
  int fd = memfd_create("wharfd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  /* Who shares it could else shorten it, and whoever touches what is gone dies of SIGBUS. */
  if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int wh_map_shared(int fd, size_t size, void **into) {
  *into = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return *into == MAP_FAILED ? -errno : 0;
}
