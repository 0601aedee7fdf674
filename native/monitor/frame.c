#include "frame.h"

uint16_t get_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

struct frame frame_decode(const unsigned char *bytes)
{
    return (struct frame){bytes[0], bytes[1], get_u16(bytes + 2), get_u32(bytes + 4), bytes + FRAME_HEADER};
}

static void put_u16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

void frame_encode(unsigned char out[FRAME_HEADER], enum frame_type type, int stream, uint16_t tag, size_t length)
{
    out[0] = (unsigned char)type;
    out[1] = (unsigned char)stream;
    put_u16(out + 2, tag);
    put_u16(out + 4, (unsigned)(length >> 16));
    put_u16(out + 6, (unsigned)length & 0xffff);
}
