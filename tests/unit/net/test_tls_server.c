/* Several certificates, their change while serving, tickets, client certificates; security.md C5, C7, C8. */
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/net/tls_names.h"
#include "gateway/net/tls_tickets.h"
#include "gateway/net/tls_watch.h"
#include "tests/unit/http/http_lab.h"
#include "tests/unit/net/certificate.h"

#include <openssl/err.h>

#define PAIRS 3

struct world {
    struct lab lab;
    char *folder;
    EVP_PKEY *keys[PAIRS];
    char certificates[PAIRS][4096], key_files[PAIRS][4096];
    char client_ca[4096];
};

static const char *const names[PAIRS] = {"DNS:first.test", "DNS:*.wild.test,DNS:Second.test", "DNS:exact.wild.test"};

static void write_pair(struct world *world, int i, const char *alternative_names, long end_seconds)
{
    write_certificate(world->certificates[i], world->keys[i], alternative_names, end_seconds);
    write_key(world->key_files[i], world->keys[i]);
}

static struct world *new_world(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->folder = unit_folder_new();
    for (int i = 0; i < PAIRS; i++) {
        (void)snprintf(world->certificates[i], sizeof world->certificates[i], "%s/cert%d.pem", world->folder, i);
        (void)snprintf(world->key_files[i], sizeof world->key_files[i], "%s/key%d.pem", world->folder, i);
        world->keys[i] = EVP_EC_gen("P-256");
        write_pair(world, i, names[i], 3600);
    }
    lab_init(&world->lab);
    return world;
}

static void make_server(struct world *world, const char *client_ca, bool is_required)
{
    struct tls_pair pairs[PAIRS];
    struct gw_error err;
    for (int i = 0; i < PAIRS; i++)
        pairs[i] = (struct tls_pair){.certificate = world->certificates[i], .key = world->key_files[i]};
    struct tls_server_settings settings = {.face = "sso:0",
                                           .pairs = pairs,
                                           .pair_count = PAIRS,
                                           .client_ca = client_ca,
                                           .requires_client_certificate = is_required};
    assert_int_equal(tls_server_make(&settings, &world->lab.tls, &err), GW_OK);
}

static int setup(void **state)
{
    struct world *world = new_world();
    make_server(world, NULL, false);
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int setup_client_certificates(void **state, bool is_required)
{
    struct world *world = new_world();
    make_server(world, world->certificates[2], is_required); /* the third is its own authority */
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int setup_required(void **state)
{
    return setup_client_certificates(state, true);
}

static int setup_optional(void **state)
{
    return setup_client_certificates(state, false);
}

static int teardown(void **state)
{
    struct world *world = *state;
    lab_stop(&world->lab);
    for (int i = 0; i < PAIRS; i++)
        EVP_PKEY_free(world->keys[i]);
    unit_folder_remove(world->folder);
    free(world);
    return 0;
}

/* --- a client --------------------------------------------------------------------------------------------------- */

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

/* False when the handshake failed. */
static bool shake(struct client *client, const struct lab *lab, const char *name, SSL_SESSION *session)
{
    client->fd = lab_connect(lab);
    client->ssl = SSL_new(client->ctx);
    SSL_set_fd(client->ssl, client->fd);
    if (name != NULL)
        SSL_set_tlsext_host_name(client->ssl, name);
    if (session != NULL)
        SSL_set_session(client->ssl, session);
    return SSL_connect(client->ssl) == 1;
}

static void leave(struct client *client)
{
    SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    close(client->fd);
    ERR_clear_error();
}

/* What "GET path" says; "" when the connection ended instead. */
static void get(struct client *client, const char *path, char *body, size_t size)
{
    char text[2048] = {0};
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
    size_t got = 0;
    int len = SSL_write(client->ssl, text, (int)strlen(text));
    memset(text, 0, sizeof text);
    while (len > 0 && got < sizeof text - 1 &&
           (len = SSL_read(client->ssl, text + got, (int)(sizeof text - 1 - got))) > 0)
        got += (size_t)len;
    const char *at = strstr(text, "\r\n\r\n");
    (void)snprintf(body, size, "%s", at != NULL ? at + 4 : "");
}

/* Which of the keys does the listener prove to have for this name? */
static int pair_for(struct world *world, const char *name, int version)
{
    struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_max_proto_version(client.ctx, version);
    assert_true(shake(&client, &world->lab, name, NULL));
    EVP_PKEY *key = X509_get0_pubkey(SSL_get0_peer_certificate(client.ssl));
    int found = -1;
    for (int i = 0; i < PAIRS; i++) {
        if (EVP_PKEY_eq(key, world->keys[i]) == 1)
            found = i;
    }
    char body[64];
    get(&client, "/local", body, sizeof body);
    assert_string_equal(body, "hello\n");
    leave(&client);
    SSL_CTX_free(client.ctx);
    return found;
}

/* --- by name ---------------------------------------------------------------------------------------------------- */

static void c5_the_certificate_is_chosen_by_name(void **state)
{
    static const struct {
        const char *name;
        int pair;
    } rows[] = {
        {NULL, 0},
        {"first.test", 0},
        {"unknown.test", 0},
        {"second.test", 1},
        {"SECOND.TEST", 1},
        {"a.wild.test", 1},
        {"exact.wild.test", 2}, /* before the wildcard, which stands first */
        {"a.b.wild.test", 0},   /* a wildcard is one label */
        {"wild.test", 0},
        {"xwild.test", 0},
        {"wild.test.", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
            assert_int_equal(pair_for(*state, rows[i].name, version), rows[i].pair);
    }
}

static void names_of_odd_shapes_match_nothing(void **state)
{
    struct world *world = *state;
    GW_ARENA_SCOPED(arena);
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/odd.pem", world->folder);
    write_certificate(path, world->keys[0], "DNS:*.test,DNS:*,DNS:.dot.test,DNS:a*.part.test,IP:192.0.2.1", 3600);
    FILE *file = fopen(path, "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    struct tls_names read;
    tls_names_read(certificate, &arena, &read);
    X509_free(certificate);
    static const char *const odd[] = {"", ".", ".test", "a.dot.test", "dot.test.x", "ab.part.test", "192.0.2.1", "x"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(tls_names_match(&read, gw_str_from(odd[i])), TLS_NAME_NONE);
    assert_int_equal(tls_names_match(&read, GW_STR("a.test")), TLS_NAME_WILDCARD);
}

/* --- while serving ---------------------------------------------------------------------------------------------- */

static void c8_changed_files_are_used_and_bad_ones_are_not(void **state)
{
    struct world *world = *state;
    struct tls_watch *watch = tls_watch_new();
    tls_watch_server(watch, world->lab.tls, "sso");
    struct client old = {.ctx = SSL_CTX_new(TLS_client_method())};
    assert_true(shake(&old, &world->lab, "second.test", NULL)); /* stays open over all that follows */
    tls_watch_look(watch);
    /* a certificate whose key has not come yet */
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_certificate(world->certificates[1], key, "DNS:third.test", 3600);
    tls_watch_look(watch);
    tls_watch_look(watch);
    assert_int_equal(pair_for(world, "second.test", TLS1_3_VERSION), 1);
    EVP_PKEY_free(world->keys[1]);
    world->keys[1] = key;
    write_key(world->key_files[1], key);
    tls_watch_look(watch);
    assert_int_equal(pair_for(world, "third.test", TLS1_3_VERSION), 0); /* looked at once: may still be changing */
    tls_watch_look(watch);
    assert_int_equal(pair_for(world, "third.test", TLS1_3_VERSION), 1);
    assert_int_equal(pair_for(world, "second.test", TLS1_3_VERSION), 0);
    write_pair(world, 2, names[2], -60);
    tls_watch_look(watch);
    tls_watch_look(watch);
    assert_int_equal(pair_for(world, "exact.wild.test", TLS1_3_VERSION), 2); /* the old one stays */
    (void)remove(world->certificates[0]);
    tls_watch_look(watch);
    tls_watch_look(watch);
    assert_int_equal(pair_for(world, "first.test", TLS1_3_VERSION), 0);
    char body[64];
    get(&old, "/local", body, sizeof body);
    assert_string_equal(body, "hello\n");
    leave(&old);
    SSL_CTX_free(old.ctx);
    tls_watch_free(watch);
}

static void ends_of_certificates_are_in_the_metrics(void **state)
{
    struct world *world = *state;
    static struct gw_metrics metrics;
    char path[4096], wanted[8192];
    (void)snprintf(path, sizeof path, "%s/idp.pem", world->folder);
    write_certificate(path, world->keys[0], "DNS:idp.test", 3600);
    gw_metrics_attach(&metrics, 0, 1);
    struct tls_watch *watch = tls_watch_new();
    tls_watch_server(watch, world->lab.tls, "sso");
    tls_watch_certificate(watch, path, "idp");
    tls_watch_look(watch);
    GW_BUF_SCOPED(buf, 1u << 20);
    gw_metrics_write(&metrics, &buf);
    gw_buf_add_byte(&buf, '\0');
    int64_t now_s = gw_clock_wall_ms() / 1000;
    for (int i = 0; i < PAIRS + 1; i++) {
        const char *file = i < PAIRS ? world->certificates[i] : path;
        (void)snprintf(wanted, sizeof wanted, "provgate_certificate_expiry_seconds{use=\"%s\",file=\"%s\"} ",
                       i < PAIRS ? "sso" : "idp", file);
        const char *at = strstr(gw_buf_str(&buf).ptr, wanted);
        assert_non_null(at);
        long long end_s = strtoll(at + strlen(wanted), NULL, 10);
        assert_true(end_s > now_s && end_s <= now_s + 3600);
    }
    assert_null(strstr(gw_buf_str(&buf).ptr, "key0.pem"));
    tls_watch_free(watch);
    static struct gw_metrics others;
    gw_metrics_attach(&others, 0, 1);
}

static void the_watch_ends_when_it_is_told(void **state)
{
    struct world *world = *state;
    struct tls_watch *watch = tls_watch_new();
    tls_watch_server(watch, world->lab.tls, "sso");
    tls_watch_start(watch);
    tls_watch_free(watch);
}

/* --- tickets ---------------------------------------------------------------------------------------------------- */

static void c7_ticket_keys_turn_and_the_one_before_stays_good(void **state)
{
    (void)state;
    struct tls_tickets tickets;
    struct tls_ticket_key first, second, found;
    bool is_newest = false;
    tls_tickets_init(&tickets, 1000);
    tls_tickets_newest(&tickets, 1000 + TLS_TICKETS_TURN_MS - 1, &first);
    assert_true(tls_tickets_find(&tickets, 1000 + TLS_TICKETS_TURN_MS - 1, first.name, &found, &is_newest));
    assert_true(is_newest);
    tls_tickets_newest(&tickets, 1000 + TLS_TICKETS_TURN_MS, &second);
    assert_memory_not_equal(&first, &second, sizeof first);
    assert_true(tls_tickets_find(&tickets, 1000 + TLS_TICKETS_TURN_MS, first.name, &found, &is_newest));
    assert_false(is_newest);
    assert_memory_equal(&found, &first, sizeof first);
    assert_true(tls_tickets_find(&tickets, 1000 + 2 * TLS_TICKETS_TURN_MS, second.name, &found, &is_newest));
    assert_false(tls_tickets_find(&tickets, 1000 + 2 * TLS_TICKETS_TURN_MS, first.name, &found, &is_newest));
    /* nothing happened for a long time */
    assert_false(tls_tickets_find(&tickets, 1000 + 9 * TLS_TICKETS_TURN_MS, second.name, &found, &is_newest));
    tls_tickets_done(&tickets);
}

static SSL_SESSION *taken_session;

static int take_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(taken_session);
    taken_session = session;
    return 1;
}

static void c7_a_ticket_is_still_good_after_certificates_changed(void **state)
{
    struct world *world = *state;
    struct gw_error err;
    char body[64];
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
        SSL_CTX_set_max_proto_version(client.ctx, version);
        SSL_CTX_set_session_cache_mode(client.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(client.ctx, take_session);
        assert_true(shake(&client, &world->lab, "second.test", NULL));
        get(&client, "/local", body, sizeof body);
        leave(&client);
        assert_non_null(taken_session);
        SSL_SESSION *session = taken_session;
        taken_session = NULL;
        assert_int_equal(tls_server_reload(world->lab.tls, &err), GW_OK);
        assert_true(shake(&client, &world->lab, "second.test", session));
        assert_int_equal(SSL_session_reused(client.ssl), 1);
        leave(&client);
        SSL_SESSION_free(session);
        SSL_SESSION_free(taken_session);
        taken_session = NULL;
        SSL_CTX_free(client.ctx);
    }
}

/* --- client certificates ---------------------------------------------------------------------------------------- */

static void present(SSL_CTX *ctx, const struct world *world, int pair)
{
    assert_int_equal(SSL_CTX_use_certificate_file(ctx, world->certificates[pair], SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, world->key_files[pair], SSL_FILETYPE_PEM), 1);
}

static void fingerprint_of(const struct world *world, int pair, char text[65])
{
    FILE *file = fopen(world->certificates[pair], "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    unsigned char bytes[32];
    assert_int_equal(X509_digest(certificate, EVP_sha256(), bytes, NULL), 1);
    X509_free(certificate);
    for (int i = 0; i < 32; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* What a client with that pair (-1: none) is told of its certificate; "" when it is refused, and why is returned. */
static int ask(struct world *world, int pair, int version, char *body, size_t size)
{
    struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_max_proto_version(client.ctx, version);
    if (pair >= 0)
        present(client.ctx, world, pair);
    body[0] = '\0';
    if (shake(&client, &world->lab, "a.wild.test", NULL))
        get(&client, "/certificate", body, size);
    int reason = ERR_GET_REASON(ERR_peek_error());
    leave(&client);
    SSL_CTX_free(client.ctx);
    return reason;
}

static void a_required_client_certificate_is_verified_and_known(void **state)
{
    struct world *world = *state;
    char body[128], wanted[65];
    fingerprint_of(world, 2, wanted);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        (void)ask(world, 2, version, body, sizeof body);
        assert_string_equal(body, wanted);
        int alert = ask(world, -1, version, body, sizeof body);
        assert_string_equal(body, "");
        assert_int_equal(alert, version == TLS1_3_VERSION ? SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED
                                                          : SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
        (void)ask(world, 0, version, body, sizeof body); /* of another authority */
        assert_string_equal(body, "");
    }
    assert_int_equal(atomic_load(&world->lab.requests), 2);
}

static void an_optional_client_certificate_may_be_missing_but_not_wrong(void **state)
{
    struct world *world = *state;
    char body[128], wanted[65];
    fingerprint_of(world, 2, wanted);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        (void)ask(world, 2, version, body, sizeof body);
        assert_string_equal(body, wanted);
        (void)ask(world, -1, version, body, sizeof body);
        assert_string_equal(body, "none");
        (void)ask(world, 0, version, body, sizeof body);
        assert_string_equal(body, "");
    }
}

static void a_resumed_session_still_has_its_client_certificate(void **state)
{
    struct world *world = *state;
    char body[128], wanted[65];
    fingerprint_of(world, 2, wanted);
    struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
    present(client.ctx, world, 2);
    SSL_CTX_set_session_cache_mode(client.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client.ctx, take_session);
    assert_true(shake(&client, &world->lab, "a.wild.test", NULL));
    get(&client, "/certificate", body, sizeof body);
    leave(&client);
    SSL_SESSION *session = taken_session;
    taken_session = NULL;
    assert_non_null(session);
    assert_true(shake(&client, &world->lab, "a.wild.test", session));
    assert_int_equal(SSL_session_reused(client.ssl), 1);
    get(&client, "/certificate", body, sizeof body);
    assert_string_equal(body, wanted);
    leave(&client);
    SSL_SESSION_free(session);
    SSL_SESSION_free(taken_session);
    taken_session = NULL;
    SSL_CTX_free(client.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(c5_the_certificate_is_chosen_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_odd_shapes_match_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(c8_changed_files_are_used_and_bad_ones_are_not, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_of_certificates_are_in_the_metrics, setup, teardown),
        cmocka_unit_test_setup_teardown(the_watch_ends_when_it_is_told, setup, teardown),
        cmocka_unit_test(c7_ticket_keys_turn_and_the_one_before_stays_good),
        cmocka_unit_test_setup_teardown(c7_a_ticket_is_still_good_after_certificates_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_required_client_certificate_is_verified_and_known, setup_required, teardown),
        cmocka_unit_test_setup_teardown(an_optional_client_certificate_may_be_missing_but_not_wrong, setup_optional,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_resumed_session_still_has_its_client_certificate, setup_required, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
