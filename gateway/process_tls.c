/* What the configuration says of certificates, as gateway/http wants it. */
#include "gateway/net/tls_watch.h"
#include "gateway/process_private.h"

enum gw_code process_tls_new(const char *face, size_t index, const struct config_listener *listener,
                             struct tls_server **ret_tls, struct gw_error *err)
{
    const struct config_tls *tls = &listener->tls;
    struct tls_pair pairs[CONFIG_CERTIFICATES_MAX];
    *ret_tls = NULL;
    if (tls->pair_count == 0)
        return GW_OK;
    _Static_assert(CONFIG_CERTIFICATES_MAX <= TLS_PAIRS_MAX, "each certificate has a place");
    for (size_t i = 0; i < tls->pair_count; i++)
        pairs[i] = (struct tls_pair){.certificate = tls->pairs[i].certificate, .key = tls->pairs[i].key};
    GW_ARENA_SCOPED(arena);
    struct tls_server_settings settings = {
        .face = gw_arena_printf(&arena, "%s:%zu", face, index).ptr,
        .pairs = pairs,
        .pair_count = tls->pair_count,
        .client_ca = tls->client_ca,
        .requires_client_certificate = tls->client_certificates == CONFIG_CLIENT_CERTIFICATES_REQUIRE,
    };
    return tls_server_make(&settings, ret_tls, err);
}

static void watch_identities(struct tls_watch *watch, const struct config_sso_face *face)
{
    for (size_t i = 0; i < face->identity_count; i++) {
        const struct config_saml *saml = &face->identities[i].saml;
        for (size_t j = 0; face->identities[i].kind == CONFIG_IDENTITY_SAML && j < saml->idp_certificate_count; j++)
            tls_watch_certificate(watch, saml->idp_certificates[j], "idp");
    }
}

struct tls_watch *process_watch_start(enum child_kind kind, struct tls_server *const *servers, size_t count,
                                      const struct config *config)
{
    struct tls_watch *watch = tls_watch_new();
    for (size_t i = 0; i < count; i++) {
        if (servers[i] != NULL)
            tls_watch_server(watch, servers[i], child_name(kind));
    }
    for (size_t i = 0; kind == CHILD_SSO && i < config->app_count; i++)
        watch_identities(watch, &config->apps[i].sso);
    tls_watch_start(watch);
    return watch;
}
