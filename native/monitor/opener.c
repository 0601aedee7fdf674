#include "opener.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define STACK_BYTES 131072

static void answer(struct opener *opener, int fd, int error)
{
    const uint64_t one = 1;
    opener->fd = fd;
    opener->error = error;
    (void)!write(opener->notify, &one, sizeof one);
}

static void *wait_for_reader(void *argument)
{
    struct opener *opener = argument;
    struct stat info;
    int fd;
    do fd = open(opener->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    int error = errno;
    if (fd >= 0 && (fstat(fd, &info) != 0 || !S_ISFIFO(info.st_mode))) {
        close(fd);
        fd = -1;
        error = EINVAL;
    }
    if (fd >= 0) set_nonblocking(fd);
    answer(opener, fd, error);
    return NULL;
}

void opener_start(struct opener *opener, const char *path)
{
    pthread_attr_t attributes;
    if (opener->running) return;
    if (opener->notify < 0) opener->notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    opener->path = path;
    opener->running = true;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&opener->thread, &attributes, wait_for_reader, opener);
    pthread_attr_destroy(&attributes);
    if (error == 0) return;
    opener->running = false;
    note("no thread to wait for a reader of %s: error %d", path, error);
}

int opener_take(struct opener *opener)
{
    uint64_t count;
    (void)!read(opener->notify, &count, sizeof count);
    pthread_join(opener->thread, NULL);
    opener->running = false;
    errno = opener->error;
    return opener->fd;
}
