#include "gateway/base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* One AES-256 block: sequence (8), folder (4), kind (1), three zero bytes. Folder, kind and zeros are the check value.
 */
#define IDENT_BLOCK 16

/* Making a cipher ready costs twenty times what one block does, and a page of users has hundreds of ids: each thread
 * keeps the last one ready, for each direction. */
struct cipher {
    EVP_CIPHER_CTX *ctx; /* NULL: none yet */
    uint8_t key[GW_KEY_BYTES];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ciphers_key;

static void on_thread_end(void *data)
{
    struct cipher *ciphers = data;
    for (int i = 0; i < 2; i++) {
        EVP_CIPHER_CTX_free(ciphers[i].ctx);
        gw_secret_wipe(ciphers[i].key, sizeof ciphers[i].key);
    }
    free(ciphers);
}

static void make_key(void)
{
    GW_ASSERT(pthread_key_create(&ciphers_key, on_thread_end) == 0);
}

static struct cipher *own_ciphers(void)
{
    GW_ASSERT(pthread_once(&once, make_key) == 0);
    struct cipher *ciphers = pthread_getspecific(ciphers_key);
    if (ciphers == NULL) {
        ciphers = gw_alloc(2 * sizeof *ciphers);
        GW_ASSERT(pthread_setspecific(ciphers_key, ciphers) == 0);
    }
    return ciphers;
}

static void ident_crypt(const uint8_t key[GW_KEY_BYTES], bool encrypt, const uint8_t *src, uint8_t *dst)
{
    struct cipher *cipher = &own_ciphers()[encrypt];
    int len = 0;
    if (cipher->ctx == NULL || !gw_secret_eq(cipher->key, key, GW_KEY_BYTES)) {
        if (cipher->ctx == NULL)
            cipher->ctx = EVP_CIPHER_CTX_new();
        GW_ASSERT(cipher->ctx != NULL);
        GW_ASSERT(EVP_CipherInit_ex(cipher->ctx, EVP_aes_256_ecb(), NULL, key, NULL, encrypt) == 1);
        GW_ASSERT(EVP_CIPHER_CTX_set_padding(cipher->ctx, 0) == 1);
        memcpy(cipher->key, key, GW_KEY_BYTES);
    }
    GW_ASSERT(EVP_CipherUpdate(cipher->ctx, dst, &len, src, IDENT_BLOCK) == 1 && len == IDENT_BLOCK);
}

static void write_be64(uint8_t *dst, uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        dst[i] = (uint8_t)value;
        value >>= 8;
    }
}

static uint64_t read_be64(const uint8_t *src)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | src[i];
    return value;
}

static void ident_block(enum gw_ident_kind kind, uint32_t folder, uint64_t seq, uint8_t block[IDENT_BLOCK])
{
    memset(block, 0, IDENT_BLOCK);
    write_be64(block, seq);
    for (int i = 0; i < 4; i++)
        block[8 + i] = (uint8_t)(folder >> (24 - 8 * i));
    block[12] = (uint8_t)kind;
}

void gw_ident_format(const uint8_t key[GW_KEY_BYTES], enum gw_ident_kind kind, uint32_t folder, uint64_t seq,
                     char dst[GW_IDENT_TEXT + 1])
{
    uint8_t block[IDENT_BLOCK];
    ident_block(kind, folder, seq, block);
    ident_crypt(key, true, block, block);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < IDENT_BLOCK; i++) {
        dst[i * 2] = digits[block[i] >> 4];
        dst[i * 2 + 1] = digits[block[i] & 15];
    }
    dst[GW_IDENT_TEXT] = '\0';
}

bool gw_ident_parse(const uint8_t key[GW_KEY_BYTES], enum gw_ident_kind kind, uint32_t folder, struct gw_str text,
                    uint64_t *ret_seq)
{
    uint8_t block[IDENT_BLOCK];
    if (!gw_hex_decode(text, block, sizeof block))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
            return false; /* one id has one spelling */
    }
    ident_crypt(key, false, block, block);
    uint8_t expected[IDENT_BLOCK];
    uint64_t seq = read_be64(block);
    ident_block(kind, folder, seq, expected);
    if (!gw_secret_eq(block, expected, sizeof block))
        return false;
    *ret_seq = seq;
    return true;
}
