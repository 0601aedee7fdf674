#include "logscan.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* Where a line is: three words, each followed by a space, then the text. */
struct scan {
    unsigned word;
    size_t letters; /* of the word, or of the text */
    bool ours;      /* a line of stream `wharfd` */
    char tag;
    char start[3];  /* of the text */
    unsigned given; /* which number of an `at` line is read */
    uint64_t numbers[2];
    uint64_t position;
    uint64_t number;
};

static void end_line(struct scan *scan)
{
    if (scan->word == 3 && !scan->ours) scan->position += scan->letters + (scan->tag == 'F');
    if (scan->word == 3 && scan->ours && memcmp(scan->start, "at ", 3) == 0) {
        scan->position = scan->numbers[0];
        scan->number = scan->numbers[1];
    }
    *scan = (struct scan){.position = scan->position, .number = scan->number};
}

static void take(struct scan *scan, char c)
{
    if (c == '\n') {
        end_line(scan);
        return;
    }
    if (scan->word < 3 && c == ' ') {
        scan->word++;
        scan->letters = 0;
        return;
    }
    if (scan->word == 1 && scan->letters == 0) scan->ours = c == 'w';
    if (scan->word == 2) scan->tag = c;
    if (scan->word == 3 && scan->letters < sizeof scan->start) scan->start[scan->letters] = c;
    else if (scan->word == 3 && scan->ours && c == ' ') scan->given = 1;
    else if (scan->word == 3 && scan->ours && c >= '0' && c <= '9')
        scan->numbers[scan->given] = scan->numbers[scan->given] * 10 + (uint64_t)(c - '0');
    scan->letters++;
}

int log_scan(int fd, uint64_t *position, uint64_t *number)
{
    char bytes[16384];
    struct scan scan = {.number = 1};
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(fd, bytes, sizeof bytes, at);
        if (got < 0) return -1;
        if (got == 0) break;
        for (ssize_t i = 0; i < got; i++) take(&scan, bytes[i]);
        at += got;
    }
    *position = scan.position;
    *number = scan.number;
    return 0;
}
