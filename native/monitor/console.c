#define _GNU_SOURCE
#include "console.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "console.sock"

int console_listen(int dir, char *path, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NAME};
    /* Short whatever the directory is: socket addresses end at 108 bytes. */
    snprintf(path, size, "/proc/%d/fd/%d/" SOCKET_NAME, getpid(), dir);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) return -1;
    unlink(SOCKET_NAME);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0) return listener;
    close(listener);
    return -1;
}

static int receive_descriptor(int connection)
{
    char name[4096];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {name, sizeof name};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fd = -1;
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) return -1;
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

int console_receive(int listener)
{
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int fd = connection < 0 ? -1 : receive_descriptor(connection);
    if (connection >= 0) close(connection);
    close(listener);
    unlink(SOCKET_NAME);
    return fd;
}
