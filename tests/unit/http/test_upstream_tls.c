/* TLS to the app: addresses as names, our own certificate, sessions that resume. */
#include "tests/unit/http/http_lab.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

struct world {
    struct lab lab;
    char *folder;
    char certificate[4096], key[4096];
    struct tls_client *client;
    SSL_CTX *app; /* of the app's side; sessions belong to it */
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A certificate of its own authority for `names`, and its key. */
static void write_pair(const struct world *world, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"lab", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(world->certificate, "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    file = fopen(world->key, "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(world->key, 0600), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct world *world_new(void **state, const char *server_name, const char *names)
{
    struct world *world = calloc(1, sizeof *world);
    struct gw_error err;
    world->folder = unit_folder_new();
    (void)snprintf(world->certificate, sizeof world->certificate, "%s/cert.pem", world->folder);
    (void)snprintf(world->key, sizeof world->key, "%s/key.pem", world->folder);
    write_pair(world, names);
    lab_init(&world->lab);
    assert_int_equal(tls_client_new(server_name, world->certificate, &world->client, &err), GW_OK);
    world->lab.upstream_settings.tls = world->client;
    world->app = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(world->app, world->certificate, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(world->app, world->key, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_set_session_id_context(world->app, (const unsigned char *)"app", 3), 1);
    *state = world;
    return world;
}

static int setup(void **state)
{
    lab_start(&world_new(state, "app.test", "DNS:app.test")->lab);
    return 0;
}

static int setup_address(void **state)
{
    lab_start(&world_new(state, "127.0.0.1", "IP:127.0.0.1,DNS:app.test")->lab);
    return 0;
}

static int setup_wrong_address(void **state)
{
    lab_start(&world_new(state, "127.0.0.1", "IP:127.0.0.2,DNS:127.0.0.1")->lab);
    return 0;
}

static int accept_any(int is_ok, X509_STORE_CTX *chain)
{
    (void)is_ok;
    (void)chain;
    return 1;
}

static int setup_with_certificate(void **state)
{
    struct world *world = world_new(state, "app.test", "DNS:app.test");
    struct gw_error err;
    assert_int_equal(tls_client_present(world->client, world->certificate, world->key, &err), GW_OK);
    SSL_CTX_set_verify(world->app, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    lab_start(&world->lab);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    lab_stop(&world->lab);
    tls_client_free(world->client);
    SSL_CTX_free(world->app);
    unit_folder_remove(world->folder);
    free(world);
    return 0;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

/* One request on a connection of its own, as the app sees it; the caller frees. */
static SSL *serve(struct world *world, int version)
{
    int client = lab_connect(&world->lab);
    lab_send(client, GET);
    int fd = lab_accept(&world->lab);
    assert_int_equal(SSL_CTX_set_min_proto_version(world->app, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(world->app, version), 1);
    SSL *ssl = SSL_new(world->app);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_accept(ssl), 1);
    char seen[sizeof GET] = "";
    for (size_t got = 0; got < sizeof GET - 1;) {
        int size = SSL_read(ssl, seen + got, (int)(sizeof GET - 1 - got));
        assert_true(size > 0);
        got += (size_t)size;
    }
    assert_string_equal(seen, GET);
    assert_int_equal(SSL_write(ssl, OK, sizeof OK - 1), sizeof OK - 1);
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void)SSL_shutdown(ssl);
    close(client);
    close(fd);
    return ssl;
}

static void an_address_is_verified_as_one_and_not_asked_for(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL *ssl = serve(*state, version);
        assert_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
        SSL_free(ssl);
    }
}

static void another_address_is_502(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        char head[4096];
        int client = lab_connect(&world->lab);
        lab_send(client, GET);
        int fd = lab_accept(&world->lab);
        SSL *ssl = SSL_new(world->app);
        assert_int_equal(SSL_set_min_proto_version(ssl, version), 1);
        assert_int_equal(SSL_set_max_proto_version(ssl, version), 1);
        SSL_set_fd(ssl, fd);
        (void)SSL_accept(ssl);
        char seen[8];
        assert_true(SSL_read(ssl, seen, sizeof seen) <= 0);
        lab_read_head(client, head, sizeof head);
        assert_non_null(strstr(head, "HTTP/1.1 502 "));
        lab_await(&world->lab.ends, version - TLS1_2_VERSION + 1);
        assert_int_equal(atomic_load(&world->lab.last_failure), HTTP_FAILURE_TLS);
        assert_string_equal(world->lab.last_detail, "IP address mismatch");
        SSL_free(ssl);
        close(client);
        close(fd);
    }
}

static void what_does_not_speak_tls_is_named(void **state)
{
    static const char *said[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", ""};
    struct world *world = *state;
    for (int i = 0; i < 2; i++) {
        char head[4096];
        int client = lab_connect(&world->lab);
        lab_send(client, GET);
        int fd = lab_accept(&world->lab);
        lab_send(fd, said[i]);
        (void)shutdown(fd, SHUT_WR);
        lab_read_head(client, head, sizeof head);
        assert_non_null(strstr(head, "HTTP/1.1 502 "));
        lab_await(&world->lab.ends, i + 1);
        assert_int_equal(atomic_load(&world->lab.last_failure), HTTP_FAILURE_TLS);
        assert_string_equal(world->lab.last_detail, i == 0 ? "wrong version number" : "socket closed by peer");
        close(client);
        close(fd);
    }
}

static void a_session_is_resumed_by_the_next_connection(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_free(serve(world, version));
        for (int i = 0; i < 3; i++) {
            SSL *ssl = serve(world, version);
            assert_int_equal(SSL_session_reused(ssl), 1);
            SSL_free(ssl);
        }
    }
}

static void a_server_that_asks_for_a_certificate_gets_ours(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL *ssl = serve(*state, version);
        X509 *ours = SSL_get1_peer_certificate(ssl);
        assert_non_null(ours);
        X509_free(ours);
        SSL_free(ssl);
    }
}

static void a_pair_that_does_not_match_or_that_all_can_read_is_refused(void **state)
{
    struct world *world = *state;
    struct gw_error err;
    assert_int_equal(tls_client_present(world->client, "/nonexistent", world->key, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent: "));
    assert_int_equal(chmod(world->key, 0644), 0);
    assert_int_equal(tls_client_present(world->client, world->certificate, world->key, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "can be read by everyone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_is_verified_as_one_and_not_asked_for, setup_address, teardown),
        cmocka_unit_test_setup_teardown(another_address_is_502, setup_wrong_address, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_speak_tls_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_is_resumed_by_the_next_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_asks_for_a_certificate_gets_ours, setup_with_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pair_that_does_not_match_or_that_all_can_read_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
