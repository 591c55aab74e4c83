/* Our SAML gate on standard input, for saml.py: gate CERTIFICATE.pem NOW_MS. One base64 response a line; one line back,
 * "+ NAME-ID" when it is vouched for, "- WHY" when not. */
#include "gateway/saml/saml_scan.h"
#include "tests/support/saml_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX (SAML_BASE64_BYTES_MAX * 2)
#define PEM_BYTES_MAX 8192

static struct saml_settings *settings_of(const char *path)
{
    static char text[PEM_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    struct saml_pem pem = {path, gw_str_n(text, len)};
    struct saml_settings *settings = NULL;
    struct gw_error err = {0};
    if (test_saml_settings(&pem, &settings, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return NULL;
    }
    return settings;
}

static void judge(const struct saml_settings *settings, struct gw_str line, int64_t now_ms)
{
    GW_ARENA_SCOPED(arena);
    struct saml_result result;
    struct gw_error err = {0};
    struct gw_str xml;
    if (saml_base64_decode(&arena, line, &xml, &err) == GW_OK &&
        saml_check(settings, &arena, xml, now_ms, &result, &err) == GW_OK)
        (void)printf("+ %.*s\n", GW_STR_ARG(result.assertion.name_id));
    else
        (void)printf("- %s\n", err.text);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    struct saml_settings *settings = argc == 3 ? settings_of(argv[1]) : NULL;
    if (settings == NULL)
        return 2;
    int64_t now_ms = strtoll(argv[2], NULL, 10);
    char *line = malloc(LINE_BYTES_MAX);
    if (line == NULL)
        return 2;
    while (fgets(line, (int)LINE_BYTES_MAX, stdin) != NULL)
        judge(settings, gw_str_n(line, strcspn(line, "\n")), now_ms);
    free(line);
    saml_settings_free(settings);
    return 0;
}
