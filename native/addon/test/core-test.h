/* What the parts of the test share. */
#ifndef WHARFD_CORE_TEST_H
#define WHARFD_CORE_TEST_H

#include <stdio.h>
#include <sys/types.h>

extern int failures;
/* The empty directory that the test was given. */
extern int root;

/* The value of an expression must be the expected one. */
#define EXPECT(expression, wanted)                                                                                     \
  do {                                                                                                                 \
    long long got_ = (expression), wanted_ = (wanted);                                                                 \
    if (got_ != wanted_) {                                                                                             \
      fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #expression, got_, wanted_);           \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

int opened(const char *path, int flags);
mode_t mode_of(const char *name);

/* files-test.c */
void test_files(void);

/* entries-test.c */
void test_entries(void);

#endif
