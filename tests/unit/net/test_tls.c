/* TLS on both sides; law 5 and security.md C. */
#include "tests/unit/http/http_lab.h"
#include "tests/unit/net/certificate.h"

#include <openssl/err.h>

struct world {
    struct lab lab;
    char *folder;
    char certificate[4096], key[4096], other_certificate[4096], expired[4096];
    struct tls_client *client;
};

static struct world *new_world(void)
{
    struct world *world = calloc(1, sizeof *world);
    world->folder = unit_folder_new();
    (void)snprintf(world->certificate, sizeof world->certificate, "%s/cert.pem", world->folder);
    (void)snprintf(world->other_certificate, sizeof world->other_certificate, "%s/other.pem", world->folder);
    (void)snprintf(world->expired, sizeof world->expired, "%s/expired.pem", world->folder);
    (void)snprintf(world->key, sizeof world->key, "%s/key.pem", world->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_key(world->key, key);
    write_certificate(world->certificate, key, "DNS:app.test,DNS:*.wild.test,IP:127.0.0.1", 3600);
    write_certificate(world->other_certificate, key, "DNS:other.test", 3600);
    write_certificate(world->expired, key, "DNS:app.test", -3600);
    EVP_PKEY_free(key);
    lab_init(&world->lab);
    return world;
}

static int setup_server(void **state)
{
    struct world *world = new_world();
    struct gw_error err;
    assert_int_equal(tls_server_new("sso:0", world->certificate, world->key, &world->lab.tls, &err), GW_OK);
    world->lab.limits.head_ms = 1500;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int setup_files(void **state)
{
    struct world *world = new_world();
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int setup_upstream(void **state)
{
    struct world *world = new_world();
    struct gw_error err;
    assert_int_equal(tls_client_new("app.test", world->certificate, &world->client, &err), GW_OK);
    world->lab.upstream_settings.tls = world->client;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    lab_stop(&world->lab);
    tls_client_free(world->client);
    unit_folder_remove(world->folder);
    free(world);
    return 0;
}

/* --- a TLS client ----------------------------------------------------------------------------------------------- */

static SSL *shake(const struct lab *lab, SSL_CTX *ctx, SSL_SESSION *session, int *ret_fd)
{
    *ret_fd = lab_connect(lab);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, *ret_fd);
    SSL_set_tlsext_host_name(ssl, "app.test");
    if (session != NULL)
        SSL_set_session(ssl, session);
    if (SSL_connect(ssl) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}

static void tls_send(SSL *ssl, const char *text)
{
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
}

static void tls_expect(SSL *ssl, const char *text)
{
    char bytes[16384] = {0};
    size_t got = 0, len = strlen(text);
    while (got < len) {
        int size = SSL_read(ssl, bytes + got, (int)(len - got));
        if (size <= 0)
            break;
        got += (size_t)size;
    }
    assert_string_equal(bytes, text);
}

static void requests_and_large_bodies_pass_over_tls_12_and_13(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(ctx, version);
        int client;
        SSL *ssl = shake(&world->lab, ctx, NULL, &client);
        assert_non_null(ssl);
        tls_send(ssl, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        int app = lab_accept(&world->lab);
        lab_expect(app, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
        char *bytes = calloc(1, 300000), *seen = calloc(1, 300000);
        for (int i = 0; i < 300000; i++)
            bytes[i] = (char)('a' + i % 23);
        lab_send_n(app, bytes, 300000);
        tls_expect(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
        for (int got = 0; got < 300000;) {
            int size = SSL_read(ssl, seen + got, 300000 - got);
            assert_true(size > 0);
            got += size;
        }
        assert_memory_equal(bytes, seen, 300000);
        tls_send(ssl, "GET /local HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        tls_expect(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n");
        free(bytes);
        free(seen);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        close(client);
        close(app);
    }
}

static void a_cut_answer_over_tls_ends_without_close_notify(void **state)
{
    struct world *world = *state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int client;
    SSL *ssl = shake(&world->lab, ctx, NULL, &client);
    tls_send(ssl, "GET /a HTTP/1.0\r\nHost: a\r\n\r\n");
    int app = lab_accept(&world->lab);
    lab_expect(app, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    tls_expect(ssl, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf");
    close(app);
    char byte;
    int size = SSL_read(ssl, &byte, 1);
    assert_true(size <= 0);
    assert_int_not_equal(SSL_get_error(ssl, size), SSL_ERROR_ZERO_RETURN);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(client);
}

static void a_tunnel_over_tls_ends_when_either_side_ends(void **state)
{
    struct world *world = *state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    for (int by_app = 0; by_app < 2; by_app++) {
        int client;
        SSL *ssl = shake(&world->lab, ctx, NULL, &client);
        tls_send(ssl, "GET /w HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        int app = lab_accept(&world->lab);
        lab_expect(app, "GET /w HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        lab_send(app, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
        tls_expect(ssl, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
        tls_send(ssl, "ping");
        lab_expect(app, "ping");
        char byte;
        if (by_app) {
            lab_send(app, "bye");
            close(app);
            tls_expect(ssl, "bye");
            assert_true(SSL_read(ssl, &byte, 1) <= 0);
        } else {
            tls_send(ssl, "bye");
            SSL_shutdown(ssl);
            close(client);
            lab_expect(app, "bye");
            lab_expect_gone(app);
            close(app);
        }
        SSL_free(ssl);
        if (by_app)
            close(client);
    }
    SSL_CTX_free(ctx);
}

static void c2_half_a_handshake_is_ended_and_junk_does_no_harm(void **state)
{
    struct world *world = *state;
    int silent = lab_connect(&world->lab), half = lab_connect(&world->lab), junk = lab_connect(&world->lab);
    lab_send_n(half, "\x16\x03\x01\x02\x00\x01\x00", 7);
    lab_send(junk, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    char bytes[256];
    lab_read_all(junk, bytes, sizeof bytes);
    lab_expect_gone(half);
    lab_expect_gone(silent);
    close(silent);
    close(half);
    close(junk);
}

static void c6_a_renegotiation_while_an_answer_is_awaited_ends_that_connection_only(void **state)
{
    struct world *world = *state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    int client;
    SSL *ssl = shake(&world->lab, ctx, NULL, &client);
    tls_send(ssl, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(&world->lab);
    lab_expect(app, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(SSL_renegotiate(ssl), 1);
    struct timeval limit = {.tv_usec = 200000};
    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_true(SSL_do_handshake(ssl) <= 0);
    lab_patience(client);
    (void)send(app, "HTTP/1.1 204 No\r\n\r\n", 19, MSG_NOSIGNAL);
    char bytes[1024];
    while (recv(client, bytes, sizeof bytes, 0) > 0)
        ;
    SSL_free(ssl);
    close(client);
    close(app);
    ssl = shake(&world->lab, ctx, NULL, &client);
    tls_send(ssl, "GET /local HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    tls_expect(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n");
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(client);
}

static void c4_old_versions_and_weak_suites_are_refused(void **state)
{
    struct world *world = *state;
    int client;
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(old, 0);
    SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    assert_null(shake(&world->lab, old, NULL, &client));
    close(client);
    SSL_CTX_free(old);
    SSL_CTX *weak = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(weak, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(weak, "ECDHE-ECDSA-AES128-SHA:AES128-SHA:AES128-GCM-SHA256"), 1);
    assert_null(shake(&world->lab, weak, NULL, &client));
    close(client);
    SSL_CTX_free(weak);
}

static void c5_alpn_is_http11_or_an_alert(void **state)
{
    struct world *world = *state;
    int client;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    SSL *ssl = shake(&world->lab, ctx, NULL, &client);
    const unsigned char *chosen;
    unsigned int len;
    SSL_get0_alpn_selected(ssl, &chosen, &len);
    assert_int_equal(len, 8);
    SSL_free(ssl);
    close(client);
    SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x07garbage", 8);
    ERR_clear_error();
    assert_null(shake(&world->lab, ctx, NULL, &client));
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    close(client);
    SSL_CTX_free(ctx);
}

static SSL_SESSION *taken_session;

static int take_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(taken_session);
    taken_session = session;
    return 1;
}

static void c7_a_ticket_of_another_listener_does_not_resume(void **state)
{
    struct world *world = *state;
    struct lab *prov = calloc(1, sizeof *prov);
    struct gw_error err;
    lab_init(prov);
    assert_int_equal(tls_server_new("prov:0", world->certificate, world->key, &prov->tls, &err), GW_OK);
    lab_start(prov);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, take_session);
    int client;
    SSL *ssl = shake(prov, ctx, NULL, &client);
    tls_send(ssl, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    tls_expect(ssl, "HTTP/1.1 200 OK\r\n");
    assert_non_null(taken_session);
    SSL_SESSION *session = taken_session;
    taken_session = NULL;
    SSL_shutdown(ssl); /* or the library takes the session for spoilt */
    SSL_free(ssl);
    close(client);
    ssl = shake(prov, ctx, session, &client); /* it is a good ticket */
    assert_int_equal(SSL_session_reused(ssl), 1);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(client);
    ssl = shake(&world->lab, ctx, session, &client);
    assert_int_equal(SSL_session_reused(ssl), 0);
    SSL_free(ssl);
    close(client);
    SSL_SESSION_free(session);
    SSL_SESSION_free(taken_session);
    taken_session = NULL;
    SSL_CTX_free(ctx);
    lab_stop(prov);
    free(prov);
}

static void c8_bad_files_are_refused_with_their_name(void **state)
{
    struct world *world = *state;
    struct tls_server *tls = NULL;
    struct gw_error err;
    assert_int_equal(tls_server_new("x", "/nonexistent", world->key, &tls, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent"));
    assert_int_equal(tls_server_new("x", world->expired, world->key, &tls, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "expired"));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/strange.pem", world->folder);
    write_key(path, key);
    EVP_PKEY_free(key);
    assert_int_equal(tls_server_new("x", world->certificate, path, &tls, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "strange.pem"));
    assert_int_equal(chmod(world->key, 0644), 0);
    assert_int_equal(tls_server_new("x", world->certificate, world->key, &tls, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "everyone"));
    struct tls_client *client = NULL;
    assert_int_equal(tls_client_new("app.test", "/nonexistent", &client, &err), GW_E_CONFIG);
    assert_int_equal(tls_client_new("", world->certificate, &client, &err), GW_E_CONFIG);
}

/* --- a TLS upstream --------------------------------------------------------------------------------------------- */

static SSL *accept_tls(const struct lab *lab, const char *certificate, const char *key, int version, int *ret_fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(ctx, version);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM), 1);
    *ret_fd = lab_accept(lab);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(ssl, *ret_fd);
    (void)SSL_accept(ssl);
    return ssl;
}

static void an_upstream_over_tls_is_verified_by_chain_and_name(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        int client = lab_connect(&world->lab), app;
        lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        SSL *ssl = accept_tls(&world->lab, world->certificate, world->key, version, &app);
        tls_expect(ssl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_string_equal(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "app.test");
        tls_send(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        SSL_free(ssl);
        close(client);
        close(app);
    }
}

static void an_upstream_with_another_name_or_chain_is_502_in_tls_12_and_13(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        char head[4096];
        int client = lab_connect(&world->lab), app;
        lab_send(client, "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n");
        SSL *ssl = accept_tls(&world->lab, world->other_certificate, world->key, version, &app);
        char seen[64];
        assert_true(SSL_read(ssl, seen, sizeof seen) <= 0);
        lab_read_head(client, head, sizeof head);
        assert_non_null(strstr(head, "HTTP/1.1 502 "));
        SSL_free(ssl);
        close(client);
        close(app);
    }
}

static int setup_wrong_name(void **state)
{
    struct world *world = new_world();
    struct gw_error err;
    /* The chain is good: only the name is another's. */
    assert_int_equal(tls_client_new("app.test", world->other_certificate, &world->client, &err), GW_OK);
    world->lab.upstream_settings.tls = world->client;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_and_large_bodies_pass_over_tls_12_and_13, setup_server, teardown),
        cmocka_unit_test_setup_teardown(a_cut_answer_over_tls_ends_without_close_notify, setup_server, teardown),
        cmocka_unit_test_setup_teardown(a_tunnel_over_tls_ends_when_either_side_ends, setup_server, teardown),
        cmocka_unit_test_setup_teardown(c2_half_a_handshake_is_ended_and_junk_does_no_harm, setup_server, teardown),
        cmocka_unit_test_setup_teardown(c6_a_renegotiation_while_an_answer_is_awaited_ends_that_connection_only,
                                        setup_server, teardown),
        cmocka_unit_test_setup_teardown(c4_old_versions_and_weak_suites_are_refused, setup_server, teardown),
        cmocka_unit_test_setup_teardown(c5_alpn_is_http11_or_an_alert, setup_server, teardown),
        cmocka_unit_test_setup_teardown(c7_a_ticket_of_another_listener_does_not_resume, setup_server, teardown),
        cmocka_unit_test_setup_teardown(c8_bad_files_are_refused_with_their_name, setup_files, teardown),
        cmocka_unit_test_setup_teardown(an_upstream_over_tls_is_verified_by_chain_and_name, setup_upstream, teardown),
        cmocka_unit_test_setup_teardown(an_upstream_with_another_name_or_chain_is_502_in_tls_12_and_13,
                                        setup_wrong_name, teardown),
        cmocka_unit_test_setup_teardown(an_upstream_with_another_name_or_chain_is_502_in_tls_12_and_13, setup_upstream,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
