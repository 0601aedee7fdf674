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
    unsigned given; /* which number of such a line is read; `at` has them from 0 on, `lost` from 1 on */
    uint64_t numbers[3];
    uint64_t position;
    uint64_t number;
    uint64_t lost;
    bool begins; /* an `at` line came */
};

static void end_line(struct scan *scan)
{
    if (scan->word == 3 && !scan->ours) scan->position += scan->letters + (scan->tag == 'F');
    if (scan->word == 3 && scan->ours && memcmp(scan->start, "at ", 3) == 0) {
        scan->position = scan->numbers[0];
        scan->number = scan->numbers[1];
        scan->begins = true;
    }
    if (scan->word == 3 && scan->ours && memcmp(scan->start, "los", 3) == 0) scan->lost += scan->numbers[1];
    *scan = (struct scan){
        .position = scan->position, .number = scan->number, .lost = scan->lost, .begins = scan->begins};
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
    else if (scan->word == 3 && scan->ours && c == ' ') scan->given += scan->given < 2;
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

int log_cut(const char *tail, size_t size, bool whole, size_t room, struct log_cut *cut)
{
    struct scan scan = {0};
    if (size < room) return -1;
    cut->at = size - room;
    while (cut->at > 0 && tail[cut->at - 1] != '\n') cut->at--;
    if (cut->at == 0 && !whole) return -1;
    for (size_t i = cut->at; i < size; i++) take(&scan, tail[i]);
    if (scan.begins) return -1;
    cut->output = scan.position;
    cut->lost = scan.lost;
    return 0;
}
