/* What the SAML gate costs: bench_saml_gate CERTIFICATE.pem NOW_MS SECONDS FILE...
 * Prints one JSON object: for each file the microseconds of CPU time per saml_check (median of rounds), the bytes, and
 * the verdict. The responses are for https://wiki.example.com, as those of tests/system/saml_corpus. */
#include "tests/support/saml_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_BYTES_MAX (4u << 20)
#define ROUNDS 21
#define CHECKS_MAX 1000000

static struct gw_str file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file != NULL ? malloc(FILE_BYTES_MAX) : NULL;
    if (text == NULL)
        exit(2);
    size_t len = fread(text, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    return gw_str_n(text, len);
}

static double cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static const char *check(const struct saml_settings *settings, struct gw_str xml, int64_t now_ms)
{
    GW_ARENA_SCOPED(arena);
    struct saml_result result;
    struct gw_error err = {0};
    enum gw_code code = saml_check(settings, &arena, xml, now_ms, &result, &err);
    return code == GW_OK ? "vouched" : saml_verdict_name(result.verdict);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Each round takes its share of the seconds, so that a slow check is not run a million times. */
static double median_us(const struct saml_settings *settings, struct gw_str xml, int64_t now_ms, double seconds)
{
    double rounds[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_us();
        int checks = 0;
        do
            (void)check(settings, xml, now_ms);
        while (++checks < CHECKS_MAX && cpu_us() - start < seconds * 1e6 / ROUNDS);
        rounds[i] = (cpu_us() - start) / checks;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_size);
    return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    struct saml_pem pem = {argv[1], file_read(argv[1])};
    struct saml_settings *settings = NULL;
    struct gw_error err = {0};
    if (test_saml_settings(&pem, &settings, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    int64_t now_ms = strtoll(argv[2], NULL, 10);
    for (int i = 4; i < argc; i++) {
        struct gw_str xml = file_read(argv[i]);
        (void)printf("%s\"%s\": {\"us\": %.2f, \"bytes\": %zu, \"verdict\": \"%s\"}", i == 4 ? "{" : ",\n", argv[i],
                     median_us(settings, xml, now_ms, strtod(argv[3], NULL)), xml.len, check(settings, xml, now_ms));
        free((void *)(uintptr_t)xml.ptr);
    }
    (void)printf("}\n");
    saml_settings_free(settings);
    return 0;
}
