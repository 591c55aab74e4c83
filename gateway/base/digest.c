#include "gateway/base/digest.h"

#include <libdeflate.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

struct gw_sha256 gw_sha256(struct gw_str data)
{
    struct gw_sha256 digest;
    (void)SHA256((const unsigned char *)(data.ptr != NULL ? data.ptr : ""), data.len, digest.bytes);
    return digest;
}

void gw_random_bytes(void *dst, size_t size)
{
    GW_ASSERT(size <= INT32_MAX);
    GW_ASSERT(RAND_bytes(dst, (int)size) == 1);
}

bool gw_secret_eq(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void gw_secret_wipe(void *ptr, size_t size)
{
    OPENSSL_cleanse(ptr, size);
}

struct gw_str gw_hex(struct gw_arena *arena, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *src = bytes;
    char *text = gw_arena_alloc(arena, size * 2 + 1);
    for (size_t i = 0; i < size; i++) {
        text[i * 2] = digits[src[i] >> 4];
        text[i * 2 + 1] = digits[src[i] & 15];
    }
    return gw_str_n(text, size * 2);
}

bool gw_hex_decode(struct gw_str hex, void *dst, size_t size)
{
    if (hex.len != size * 2)
        return false;
    uint8_t *out = dst;
    for (size_t i = 0; i < size; i++) {
        int high = gw_hex_digit(hex.ptr[i * 2]);
        int low = gw_hex_digit(hex.ptr[i * 2 + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

struct gw_str gw_base64url(struct gw_arena *arena, const void *bytes, size_t size)
{
    GW_ASSERT(size <= INT32_MAX / 2);
    char *text = gw_arena_alloc(arena, (size + 2) / 3 * 4 + 1);
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    while (len > 0 && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '+')
            text[i] = '-';
        else if (text[i] == '/')
            text[i] = '_';
    }
    text[len] = '\0';
    return gw_str_n(text, len);
}

static int base64_digit(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *hit = c != '\0' ? strchr(alphabet, c) : NULL;
    return hit != NULL ? (int)(hit - alphabet) : -1;
}

bool gw_base64_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_bytes)
{
    if (text.len % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    char *bytes = gw_arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t used = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len - padding; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            bytes[used++] = (char)(bits >> 16);
            bytes[used++] = (char)(bits >> 8);
            bytes[used++] = (char)bits;
            bits = 0;
        }
    }
    if (padding == 1) {
        if ((bits & 3) != 0)
            return false;
        bytes[used++] = (char)(bits >> 10);
        bytes[used++] = (char)(bits >> 2);
    } else if (padding == 2) {
        if ((bits & 15) != 0)
            return false;
        bytes[used++] = (char)(bits >> 4);
    }
    *ret_bytes = gw_str_n(bytes, used);
    return true;
}

bool gw_base64url_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_bytes)
{
    size_t padding = (4 - text.len % 4) % 4;
    char *standard = gw_arena_alloc(arena, text.len + 4);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+' || c == '/' || c == '=')
            return false;
        standard[i] = c;
        if (c == '-')
            standard[i] = '+';
        else if (c == '_')
            standard[i] = '/';
    }
    memset(standard + text.len, '=', padding);
    return padding < 3 && gw_base64_decode(arena, gw_str_n(standard, text.len + padding), ret_bytes);
}

uint32_t gw_crc32(const void *data, size_t size)
{
    return libdeflate_crc32(0, data, size);
}
