/* The peer's load: bench_ldap URI BIND_DN PASSWORD BASE OPERATION CONNECTIONS SECONDS FIRST COUNT.
 * OPERATION: add (users FIRST, FIRST+1, ... until the time is over or COUNT are added), search (uid eq, random among
 * COUNT), get (by DN), modify (one attribute of a random user). Prints operations, seconds and operations per second.
 */
#define LDAP_DEPRECATED 1
#include <ldap.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 256

struct job {
    const char *uri, *bind_dn, *password, *base, *operation;
    double seconds;
    uint64_t first, count;
    _Atomic uint64_t next, done, failed;
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As scim.lua and load_users.c do: people do not come in the order of their names. One to one below 10^8. */
static unsigned long long scatter(uint64_t i)
{
    return i * 61803399u % 100000000u;
}

static int add_user(LDAP *ld, const struct job *job, uint64_t i)
{
    char dn[256], uid[64], mail[96];
    (void)snprintf(uid, sizeof uid, "user%08llu@example.com", scatter(i));
    (void)snprintf(mail, sizeof mail, "%s", uid);
    (void)snprintf(dn, sizeof dn, "uid=%s,%s", uid, job->base);
    char *classes[] = {"inetOrgPerson", NULL}, *uids[] = {uid, NULL}, *mails[] = {mail, NULL};
    char *given[] = {"Given", NULL}, *family[] = {"Family", NULL}, *common[] = {"Given Family", NULL};
    LDAPMod mods[] = {{LDAP_MOD_ADD, "objectClass", {classes}}, {LDAP_MOD_ADD, "uid", {uids}},
                      {LDAP_MOD_ADD, "mail", {mails}},          {LDAP_MOD_ADD, "givenName", {given}},
                      {LDAP_MOD_ADD, "sn", {family}},           {LDAP_MOD_ADD, "cn", {common}}};
    LDAPMod *list[] = {&mods[0], &mods[1], &mods[2], &mods[3], &mods[4], &mods[5], NULL};
    return ldap_add_ext_s(ld, dn, list, NULL, NULL);
}

static int search_user(LDAP *ld, const struct job *job, uint64_t i, int by_dn)
{
    char filter[128], dn[256];
    (void)snprintf(filter, sizeof filter, "(uid=user%08llu@example.com)", scatter(i));
    (void)snprintf(dn, sizeof dn, "uid=user%08llu@example.com,%s", scatter(i), job->base);
    LDAPMessage *answer = NULL;
    int code =
        by_dn ? ldap_search_ext_s(ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", NULL, 0, NULL, NULL, NULL, 0, &answer)
              : ldap_search_ext_s(ld, job->base, LDAP_SCOPE_SUBTREE, filter, NULL, 0, NULL, NULL, NULL, 0, &answer);
    if (code == LDAP_SUCCESS && ldap_count_entries(ld, answer) != 1)
        code = LDAP_OTHER;
    (void)ldap_msgfree(answer);
    return code;
}

static int modify_user(LDAP *ld, const struct job *job, uint64_t i, uint64_t turn)
{
    char dn[256], value[32];
    (void)snprintf(dn, sizeof dn, "uid=user%08llu@example.com,%s", scatter(i), job->base);
    (void)snprintf(value, sizeof value, "%llu", (unsigned long long)turn);
    char *values[] = {value, NULL};
    LDAPMod mod = {LDAP_MOD_REPLACE, "employeeType", {values}};
    LDAPMod *list[] = {&mod, NULL};
    return ldap_modify_ext_s(ld, dn, list, NULL, NULL);
}

static int run_one(LDAP *ld, struct job *job, uint64_t turn, unsigned *seed)
{
    uint64_t pick =
        job->first + ((uint64_t)rand_r(seed) * 32768u + (uint64_t)rand_r(seed)) % (job->count > 0 ? job->count : 1);
    if (strcmp(job->operation, "add") == 0)
        return add_user(ld, job, job->first + turn);
    if (strcmp(job->operation, "modify") == 0)
        return modify_user(ld, job, pick, turn);
    return search_user(ld, job, pick, strcmp(job->operation, "get") == 0);
}

static void *work(void *argument)
{
    struct job *job = argument;
    LDAP *ld = NULL;
    int version = LDAP_VERSION3;
    if (ldap_initialize(&ld, job->uri) != LDAP_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_SUCCESS ||
        ldap_simple_bind_s(ld, job->bind_dn, job->password) != LDAP_SUCCESS) {
        (void)fprintf(stderr, "cannot bind\n");
        exit(1);
    }
    unsigned seed = (unsigned)(uintptr_t)ld;
    int is_add = strcmp(job->operation, "add") == 0;
    double end = now_s() + job->seconds;
    while (now_s() < end) {
        uint64_t turn = atomic_fetch_add(&job->next, 1);
        if (is_add && turn >= job->count)
            break;
        if (run_one(ld, job, turn, &seed) == LDAP_SUCCESS)
            atomic_fetch_add(&job->done, 1);
        else
            atomic_fetch_add(&job->failed, 1);
    }
    (void)ldap_unbind_ext_s(ld, NULL, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        (void)fprintf(
            stderr,
            "usage: bench_ldap URI BIND_DN PASSWORD BASE add|search|get|modify CONNECTIONS SECONDS FIRST COUNT\n");
        return 2;
    }
    struct job job = {.uri = argv[1], .bind_dn = argv[2], .password = argv[3], .base = argv[4], .operation = argv[5]};
    int connections = (int)strtol(argv[6], NULL, 10);
    job.seconds = strtod(argv[7], NULL);
    job.first = strtoull(argv[8], NULL, 10);
    job.count = strtoull(argv[9], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS_MAX)
        return 2;
    pthread_t threads[CONNECTIONS_MAX];
    double begun = now_s();
    for (int i = 0; i < connections; i++)
        (void)pthread_create(&threads[i], NULL, work, &job);
    for (int i = 0; i < connections; i++)
        (void)pthread_join(threads[i], NULL);
    double took = now_s() - begun;
    (void)printf("{\"done\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"per_second\": %.1f}\n",
                 (unsigned long long)job.done, (unsigned long long)job.failed, took, (double)job.done / took);
    return job.failed == 0 ? 0 : 1;
}
