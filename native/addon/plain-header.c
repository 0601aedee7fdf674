#define _GNU_SOURCE
#include "plain-header.h"
#include "pax.h"

#include <string.h>

/* Where the fields are, and how long. */
enum {
  NAME = 0,
  NAME_LENGTH = 100,
  MODE = 100,
  UID = 108,
  GID = 116,
  ID_LENGTH = 8,
  SIZE = 124,
  MTIME = 136,
  NUMBER_LENGTH = 12,
  CHECKSUM = 148,
  TYPE = 156,
  LINK = 157,
  MAGIC = 257,
  MAJOR = 329,
  MINOR = 337,
  PREFIX = 345,
  PREFIX_LENGTH = 155,
  STAR_MAGIC = 508,
};

static int is_blank(unsigned char byte) { return byte == ' ' || byte == 0; }

/* Octal digits between blanks; none are 0. At most twelve, so that nothing overflows. */
static int octal(const unsigned char *field, int length, int64_t *out) {
  int at = 0;
  int64_t value = 0;
  while (at < length && is_blank(field[at])) at++;
  for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) value = value * 8 + (field[at] - '0');
  for (; at < length; at++)
    if (!is_blank(field[at])) return 0;
  *out = value;
  return 1;
}

static int checksum_is_right(const unsigned char *block) {
  int64_t sum = 0, stored;
  for (int at = 0; at < TAR_BLOCK; at++) sum += block[at];
  for (int at = CHECKSUM; at < CHECKSUM + ID_LENGTH; at++) sum += ' ' - block[at];
  return octal(block + CHECKSUM, ID_LENGTH, &stored) && stored == sum;
}

static size_t copy_text(const unsigned char *field, size_t longest, char *out) {
  size_t length = strnlen((const char *)field, longest);
  memcpy(out, field, length);
  out[length] = '\0';
  return length;
}

/* The prefix is a part of the name in ustar archives only: others have other things there. */
static int read_name(const unsigned char *block, struct plain_header *out) {
  size_t prefix = 0;
  int is_ustar = memcmp(block + MAGIC, "ustar\0", 6) == 0;
  if (!is_ustar && memcmp(block + MAGIC, "ustar  \0", 8) != 0) return 0;
  if (is_ustar && memcmp(block + STAR_MAGIC, "tar\0", 4) == 0) return 0;
  if (is_ustar && block[PREFIX]) {
    prefix = copy_text(block + PREFIX, PREFIX_LENGTH, out->name);
    out->name[prefix++] = '/';
  }
  size_t length = copy_text(block + NAME, NAME_LENGTH, out->name + prefix);
  out->name_length = prefix + length;
  return length > 0;
}

static int read_numbers(const unsigned char *block, struct plain_header *out) {
  int64_t mode, uid, gid, device, mtime;
  if (!octal(block + MODE, ID_LENGTH, &mode) || !octal(block + UID, ID_LENGTH, &uid)) return 0;
  if (!octal(block + GID, ID_LENGTH, &gid) || !octal(block + SIZE, NUMBER_LENGTH, &out->size)) return 0;
  if (!octal(block + MTIME, NUMBER_LENGTH, &mtime)) return 0;
  /* What is said of a device is of no use, and a mistake there is one all the same. */
  if (!octal(block + MAJOR, ID_LENGTH, &device) || !octal(block + MINOR, ID_LENGTH, &device)) return 0;
  out->mode = (mode_t)(mode & 07777);
  out->uid = (uid_t)uid;
  out->gid = (gid_t)gid;
  out->mtime = (struct timespec){.tv_sec = mtime};
  return mtime <= INT32_MAX;
}

static void apply(const struct pax *pax, struct plain_header *out) {
  if (pax->has_mtime) out->mtime = pax->mtime;
  if (!pax->path) return;
  memcpy(out->name, pax->path, pax->path_length);
  out->name[pax->path_length] = '\0';
  out->name_length = pax->path_length;
}

int plain_header_read_extended(const unsigned char *block, const struct pax *pax, struct plain_header *out) {
  char type = block[TYPE] ? (char)block[TYPE] : '0';
  if (type != '0' && type != '2' && type != '5' && type != 'x') return 0;
  if (!read_name(block, out) || !read_numbers(block, out) || !checksum_is_right(block)) return 0;
  if (pax && pax->path_length > PLAIN_NAME_MAX) return 0;
  if (pax) apply(pax, out);
  out->type = type;
  if (type == 'x') return pax == NULL;
  if (type == '0') return out->name[out->name_length - 1] != '/';
  /* Some archives give others a size, too, and no data. */
  if (out->size != 0) return 0;
  return type == '5' || copy_text(block + LINK, PLAIN_LINK_MAX, out->link) > 0;
}

int plain_header_read(const unsigned char *block, struct plain_header *out) {
  return plain_header_read_extended(block, NULL, out);
}
