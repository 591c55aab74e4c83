/* Where keys come from: a file that changes, an address on loopback that rotates, fails, or sends too much. */
#include "tests/support/unit.h"
#include "tests/unit/jwt/forge.h"

#include "gateway/fetch/download.h"
#include "gateway/jwt/key_source.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct jwt_forge forge;
static struct gw_str one_key, two_keys;

static int set_up(void **state)
{
    (void)state;
    jwt_forge_init(&forge);
    struct gw_str rsa = jwt_forge_rsa_jwk(&forge, forge.rsa, "a", "");
    one_key = gw_arena_printf(&forge.arena, "{\"keys\":[%.*s]}", GW_STR_ARG(rsa));
    two_keys = jwt_forge_jwks(&forge);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwt_forge_done(&forge);
    return 0;
}

/* ---- an issuer on loopback: answers each connection with what is set, one after the other ---- */

struct issuer {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct gw_str answer;
    unsigned asked;
};

static void answer_one(struct issuer *issuer, int fd)
{
    char request[4096];
    (void)pthread_mutex_lock(&issuer->lock);
    struct gw_str answer = issuer->answer;
    issuer->asked++;
    (void)pthread_mutex_unlock(&issuer->lock);
    if (read(fd, request, sizeof request) > 0)
        (void)send(fd, answer.ptr, answer.len, MSG_NOSIGNAL);
    (void)close(fd);
}

static void *issuer_run(void *data)
{
    struct issuer *issuer = data;
    for (;;) {
        int fd = accept(issuer->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer_one(issuer, fd);
    }
}

static void issuer_answers(struct issuer *issuer, const char *status, struct gw_str body)
{
    (void)pthread_mutex_lock(&issuer->lock);
    issuer->answer =
        gw_arena_printf(&forge.arena, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%.*s", status,
                        body.len, GW_STR_ARG(body));
    (void)pthread_mutex_unlock(&issuer->lock);
}

static unsigned issuer_asked(struct issuer *issuer)
{
    (void)pthread_mutex_lock(&issuer->lock);
    unsigned asked = issuer->asked;
    (void)pthread_mutex_unlock(&issuer->lock);
    return asked;
}

static void issuer_start(struct issuer *issuer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    memset(issuer, 0, sizeof *issuer);
    issuer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(issuer->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(issuer->fd, 8), 0);
    assert_int_equal(getsockname(issuer->fd, (struct sockaddr *)&address, &len), 0);
    issuer->port = ntohs(address.sin_port);
    (void)pthread_mutex_init(&issuer->lock, NULL);
    assert_int_equal(pthread_create(&issuer->thread, NULL, issuer_run, issuer), 0);
}

static void issuer_stop(struct issuer *issuer)
{
    (void)shutdown(issuer->fd, SHUT_RDWR);
    (void)pthread_join(issuer->thread, NULL);
    (void)close(issuer->fd);
    (void)pthread_mutex_destroy(&issuer->lock);
}

/* ---- */

static size_t count_of(struct key_source *source)
{
    struct jwks *keys = key_source_get(source);
    size_t count = keys != NULL ? jwks_count(keys) : 0;
    jwks_unref(keys);
    return count;
}

static void pause_shortly(void)
{
    struct timespec pause = {.tv_nsec = 5000000};
    (void)nanosleep(&pause, NULL);
}

/* A generous deadline; what is awaited comes or the test fails. */
static void await_count(struct key_source *source, size_t count)
{
    for (int i = 0; i < 4000 && count_of(source) != count; i++)
        pause_shortly();
    assert_int_equal(count_of(source), count);
}

static void await_asked(struct issuer *issuer, struct key_source *source, unsigned asked)
{
    for (int i = 0; i < 4000 && (issuer_asked(issuer) < asked || key_source_is_asking(source)); i++)
        pause_shortly();
    assert_int_equal(issuer_asked(issuer), asked);
    assert_false(key_source_is_asking(source));
}

static void write_file(const char *path, struct gw_str text)
{
    GW_ARENA_SCOPED(arena);
    const char *temporary = gw_arena_printf(&arena, "%s.new", path).ptr;
    FILE *file = fopen(temporary, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static void a_file_is_read_at_once_and_again_when_it_changes(void **state)
{
    (void)state;
    char *folder = unit_folder_new();
    const char *path = gw_arena_printf(&forge.arena, "%s/keys.json", folder).ptr;
    struct key_pool *pool = key_pool_new();
    struct key_origin origin = {.file = path};
    struct key_source *source = NULL, *again = NULL;
    struct gw_error err = {.text = ""};
    assert_int_equal(key_pool_add(pool, &origin, &source, &err), GW_E_CONFIG);
    write_file(path, GW_STR("{}"));
    assert_int_equal(key_pool_add(pool, &origin, &source, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, path));
    write_file(path, one_key);
    assert_int_equal(key_pool_add(pool, &origin, &source, &err), GW_OK);
    assert_int_equal(key_pool_add(pool, &origin, &again, &err), GW_OK);
    assert_ptr_equal(source, again);
    assert_int_equal(count_of(source), 1);
    key_pool_start(pool);
    assert_false(key_source_want(source)); /* a file is looked at anyway */
    write_file(path, two_keys);
    await_count(source, 2);
    struct jwks *held = key_source_get(source);
    key_pool_free(pool);
    assert_int_equal(jwks_count(held), 2); /* a set outlives where it came from */
    jwks_unref(held);
    unit_folder_remove(folder);
}

static void an_address_is_asked_again_for_an_unknown_key_but_not_too_often(void **state)
{
    (void)state;
    struct issuer issuer;
    issuer_start(&issuer);
    issuer_answers(&issuer, "200 OK", one_key);
    struct key_pool *pool = key_pool_new();
    struct key_origin origin = {
        .url = gw_arena_printf(&forge.arena, "http://127.0.0.1:%u/keys", (unsigned)issuer.port).ptr};
    struct key_source *source = NULL;
    struct gw_error err;
    assert_int_equal(key_pool_add(pool, &origin, &source, &err), GW_OK);
    assert_null(key_source_get(source));
    key_pool_start(pool);
    await_count(source, 1);
    issuer_answers(&issuer, "200 OK", two_keys);
    assert_true(key_source_want(source));
    await_count(source, 2);
    for (int i = 0; i < 50; i++)
        assert_false(key_source_want(source));
    assert_int_equal(issuer_asked(&issuer), 2);
    key_pool_free(pool);
    issuer_stop(&issuer);
}

static void the_last_good_keys_stay_when_the_issuer_fails(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *body;
    } rows[] = {{"500 Oops", "{}"}, {"200 OK", "{\"keys\":[]}"}, {"200 OK", "<html>"}, {"302 Found", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct issuer issuer;
        issuer_start(&issuer);
        issuer_answers(&issuer, "200 OK", one_key);
        struct key_pool *pool = key_pool_new();
        struct key_origin origin = {
            .url = gw_arena_printf(&forge.arena, "http://127.0.0.1:%u/", (unsigned)issuer.port).ptr};
        struct key_source *source = NULL;
        struct gw_error err;
        assert_int_equal(key_pool_add(pool, &origin, &source, &err), GW_OK);
        key_pool_start(pool);
        await_count(source, 1);
        issuer_answers(&issuer, rows[i].status, gw_str_from(rows[i].body));
        assert_true(key_source_want(source));
        await_asked(&issuer, source, 2);
        assert_int_equal(count_of(source), 1);
        key_pool_free(pool);
        issuer_stop(&issuer);
    }
}

static void a_document_beyond_the_cap_and_a_redirect_are_not_taken(void **state)
{
    (void)state;
    struct issuer issuer;
    issuer_start(&issuer);
    GW_BUF_SCOPED(body, 1 << 20);
    struct download download = {.url = gw_arena_printf(&forge.arena, "http://localhost:%u/", (unsigned)issuer.port).ptr,
                                .bytes_max = 1000,
                                .timeout_ms = 10000};
    struct gw_error err = {.text = ""};
    char bytes[1001];
    memset(bytes, 'x', sizeof bytes);
    issuer_answers(&issuer, "200 OK", gw_str_n(bytes, 1000));
    assert_int_equal(download_get(&download, &body, &err), GW_OK);
    assert_int_equal(body.len, 1000);
    issuer_answers(&issuer, "200 OK", gw_str_n(bytes, 1001));
    assert_int_equal(download_get(&download, &body, &err), GW_E_UPSTREAM);
    /* no length: the cap holds while it comes */
    (void)pthread_mutex_lock(&issuer.lock);
    issuer.answer = gw_arena_printf(&forge.arena, "HTTP/1.0 200 OK\r\n\r\n%.*s", 1001, bytes);
    (void)pthread_mutex_unlock(&issuer.lock);
    assert_int_equal(download_get(&download, &body, &err), GW_E_UPSTREAM);
    unsigned before = issuer_asked(&issuer);
    (void)pthread_mutex_lock(&issuer.lock);
    issuer.answer =
        gw_arena_printf(&forge.arena, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", download.url);
    (void)pthread_mutex_unlock(&issuer.lock);
    assert_int_equal(download_get(&download, &body, &err), GW_E_UPSTREAM);
    assert_int_equal(issuer_asked(&issuer), before + 1);
    issuer_stop(&issuer);
}

static void only_https_and_this_machine_are_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_allowed;
    } rows[] = {
        {"https://acme.okta.com/oauth2/v1/keys", true},
        {"http://127.0.0.1:8080/keys", true},
        {"http://localhost/keys", true},
        {"http://[::1]:1/keys", true},
        {"http://acme.okta.com/keys", false},
        {"http://127.0.0.1.evil.test/", false},
        {"http://localhost@evil.test/", false},
        {"http://127.0.0.1\\@evil.test/", false},
        {"https://user@acme.okta.com/", false},
        {"https:///keys", false},
        {"file:///etc/passwd", false},
        {"ftp://acme.okta.com/", false},
        {"https://acme.okta.com/a b", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (download_url_is_allowed(rows[i].url) != rows[i].is_allowed)
            fail_msg("%s", rows[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_at_once_and_again_when_it_changes),
        cmocka_unit_test(an_address_is_asked_again_for_an_unknown_key_but_not_too_often),
        cmocka_unit_test(the_last_good_keys_stay_when_the_issuer_fails),
        cmocka_unit_test(a_document_beyond_the_cap_and_a_redirect_are_not_taken),
        cmocka_unit_test(only_https_and_this_machine_are_addresses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
