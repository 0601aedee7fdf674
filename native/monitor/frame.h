/* Frames of the control protocol: u8 type, u8 stream, u16 tag, u32 length, all big-endian. PROTOCOL.md. */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION 1
#define FRAME_HEADER 8
#define REQUEST_MAX 32768

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_STATUS = 2,
    FRAME_RESIZE = 3,
    FRAME_CLOSE_STDIN = 4,
    FRAME_ATTACH = 5,
    FRAME_STDIN = 6,
    FRAME_GO = 7,
    FRAME_OK = 128,
    FRAME_ERROR = 129,
    FRAME_STATE = 130,
    FRAME_CREATED = 144,
    FRAME_FAILED = 145,
    FRAME_OOM = 146,
    FRAME_EXITED = 147,
    FRAME_DRAINED = 148,
    FRAME_OUTPUT = 160,
    FRAME_OUTPUT_END = 161,
};

struct frame {
    uint8_t type;
    uint8_t stream;
    uint16_t tag;
    uint32_t length;
    const unsigned char *payload;
};

uint16_t get_u16(const unsigned char *at);
uint32_t get_u32(const unsigned char *at);

/* Reads a frame's header from FRAME_HEADER bytes. */
struct frame frame_decode(const unsigned char *bytes);

void frame_encode(unsigned char out[FRAME_HEADER], enum frame_type type, int stream, uint16_t tag, size_t length);

#endif
