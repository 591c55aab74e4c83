/* bytes: integers in stored bytes. Values are little endian; keys are big endian, so that LMDB's byte order is their
 * numeric order. LMDB aligns to two bytes only, hence the copies. Any thread. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline void bytes_put_le(uint8_t *dst, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t bytes_get_le(const void *src, size_t size)
{
    const uint8_t *bytes = src;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static inline void bytes_put_be(uint8_t *dst, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static inline uint64_t bytes_get_be(const void *src, size_t size)
{
    const uint8_t *bytes = src;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}
