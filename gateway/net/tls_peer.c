/* Who the peer of a handshake is. */
#include "gateway/base/digest.h"
#include "gateway/net/tls_private.h"

#include <openssl/x509.h>

void tls_fingerprint(SSL *ssl, char dst[TLS_FINGERPRINT_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    dst[0] = '\0';
    if (certificate == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
        X509_digest(certificate, EVP_sha256(), bytes, &size) != 1 || size * 2 != TLS_FINGERPRINT_TEXT)
        return;
    for (unsigned int i = 0; i < size; i++) {
        dst[2 * i] = digits[bytes[i] >> 4];
        dst[2 * i + 1] = digits[bytes[i] & 15];
    }
    dst[TLS_FINGERPRINT_TEXT] = '\0';
}
