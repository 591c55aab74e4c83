/* The conditions, the positive shapes and the settings: security.md G2, G4, G8, G9, G11, G12. */
#include "tests/support/unit.h"
#include "tests/unit/saml/saml_forge.h"

#include <pthread.h>

struct world {
    struct gw_arena arena;
    struct forge_idp idp, stranger, rollover;
    struct saml_settings *settings;
};

static int world_setup(void **state)
{
    struct world *world = gw_alloc(sizeof *world);
    if (saml_library_init(NULL) != GW_OK)
        return -1;
    world->idp = forge_idp_new(&world->arena, 2048);
    world->stranger = forge_idp_new(&world->arena, 2048);
    world->rollover = forge_idp_new(&world->arena, 2048);
    struct saml_pem pems[] = {{"old.pem", world->idp.certificate_pem}, {"new.pem", world->rollover.certificate_pem}};
    struct gw_str urls[] = {GW_STR("https://wiki.example.com/other"), GW_STR(FORGE_ACS)};
    struct saml_source source = {.certificates = pems,
                                 .certificate_count = 2,
                                 .idp_entity = GW_STR(FORGE_ENTITY),
                                 .audience = GW_STR(FORGE_AUDIENCE),
                                 .acs_urls = urls,
                                 .acs_url_count = 2,
                                 .skew_ms = SAML_SKEW_MS_DEFAULT};
    *state = world;
    return saml_settings_new(&source, &world->settings, NULL) == GW_OK ? 0 : -1;
}

static int world_teardown(void **state)
{
    struct world *world = *state;
    saml_settings_free(world->settings);
    EVP_PKEY_free(world->idp.key);
    EVP_PKEY_free(world->stranger.key);
    EVP_PKEY_free(world->rollover.key);
    gw_arena_done(&world->arena);
    free(world);
    return 0;
}

static struct saml_result check_at(struct world *world, struct gw_str xml, int64_t now_ms)
{
    struct saml_result result;
    struct gw_error err = {0};
    assert_non_null(xml.ptr);
    enum gw_code code = saml_check(world->settings, &world->arena, xml, now_ms, &result, &err);
    assert_int_equal(code, result.verdict == SAML_VOUCHED ? GW_OK : GW_E_FORBIDDEN);
    if (code != GW_OK) {
        assert_int_equal(err.code, GW_E_FORBIDDEN);
        assert_true(strlen(err.text) > 10);
        assert_null(result.assertion.name_id.ptr);
    }
    return result;
}

static struct saml_result check_forged(struct world *world, const struct forge *forge)
{
    return check_at(world, forge_make(&world->arena, forge), FORGE_NOW_MS);
}

static void assert_verdict(const char *name, struct saml_result result, enum saml_verdict verdict,
                           enum saml_condition condition)
{
    if (result.verdict != verdict || result.condition != condition)
        fail_msg("%s: %s (%s) instead of %s (%s)", name, saml_verdict_name(result.verdict),
                 saml_condition_name(result.condition), saml_verdict_name(verdict), saml_condition_name(condition));
}

static void g11_response_in_the_shape_of_okta_is_vouched_for(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    struct saml_result result = check_forged(world, &forge);
    assert_verdict("plain", result, SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_str_equal(result.assertion.issuer, FORGE_ENTITY);
    assert_str_equal(result.assertion.name_id, "alice@example.com");
    assert_str_equal(result.assertion.name_id_format, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    assert_str_equal(result.assertion.session_index, "id3");
    assert_str_equal(result.assertion.assertion_id, "id2");
    assert_int_equal(result.assertion.not_on_or_after_ms, FORGE_NOW_MS + 300000 + SAML_SKEW_MS_DEFAULT);
    assert_int_equal(result.assertion.attribute_count, 2);
    struct gw_str value;
    assert_true(saml_attribute_get(&result.assertion, GW_STR("firstName"), &value));
    assert_str_equal(value, "Alice");
    assert_false(saml_attribute_get(&result.assertion, GW_STR("lastName"), &value));
    assert_false(saml_name_id_is_transient(&result.assertion));
    assert_false(saml_name_id_is_persistent(&result.assertion));
}

static void either_signature_alone_is_enough(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    forge.sign_response = false;
    assert_verdict("assertion only", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    forge.destination = "";
    forge.response_issuer = "";
    assert_verdict("no destination", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    forge = forge_plain(&world->idp);
    forge.sign_assertion = false;
    assert_verdict("response only", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    forge.sign_response = false;
    assert_verdict("none", check_forged(world, &forge), SAML_BAD_SIGNATURE, SAML_CONDITION_NONE);
}

static void other_accepted_forms_are_vouched_for(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    forge.signature_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    forge.digest_method = "http://www.w3.org/2001/04/xmlenc#sha512";
    assert_verdict("sha512", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    forge = forge_plain(&world->idp);
    forge.declaration = "";
    forge.attributes = "";
    forge.response_attributes = "InResponseTo=\"ARQ123\"";
    assert_verdict("no attributes", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    forge.subject = "\n  " FORGE_NAME_ID("o&apos;neil&amp;co@example.com") "\n  " FORGE_CONFIRMATION "\n";
    struct saml_result result = check_forged(world, &forge);
    assert_verdict("pretty printed", result, SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_str_equal(result.assertion.name_id, "o'neil&co@example.com");
}

/* What Java's XML signatures look like: line breaks in base64 are written as a coded CR and an LF. */
static void coded_line_breaks_in_a_signature_value_are_taken(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    forge.sign_assertion = false;
    struct gw_str xml = forge_make(&world->arena, &forge);
    struct gw_str value = forge_cut(xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
    struct gw_str coded = forge_replace(&world->arena, value, gw_str_n(value.ptr + 40, 4),
                                        gw_arena_printf(&world->arena, "&#13;\n%.4s", value.ptr + 40));
    struct saml_result result = check_at(world, forge_replace(&world->arena, xml, value, coded), FORGE_NOW_MS);
    assert_verdict("coded CR", result, SAML_VOUCHED, SAML_CONDITION_NONE);
}

struct check_job {
    const struct saml_settings *settings;
    struct gw_str good, bad;
    int vouched;
};

static void *check_many(void *arg)
{
    struct check_job *job = arg;
    for (int i = 0; i < 20; i++) {
        GW_ARENA_SCOPED(arena);
        struct saml_result result;
        struct gw_error err;
        job->vouched += saml_check(job->settings, &arena, job->good, FORGE_NOW_MS, &result, &err) == GW_OK;
        job->vouched += saml_check(job->settings, &arena, job->bad, FORGE_NOW_MS, &result, &err) == GW_OK;
    }
    return NULL;
}

static void threads_share_the_settings(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->rollover);
    struct gw_str good = forge_make(&world->arena, &forge);
    forge.key = world->stranger.key;
    struct gw_str bad = forge_make(&world->arena, &forge);
    pthread_t threads[4];
    struct check_job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct check_job){.settings = world->settings, .good = good, .bad = bad};
        assert_int_equal(pthread_create(&threads[i], NULL, check_many, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].vouched, 20);
    }
}

static void g11_thirty_attributes_of_sixteen_kilobytes_are_vouched_for(void **state)
{
    struct world *world = *state;
    GW_BUF_SCOPED(text, 65536);
    gw_buf_add_lit(&text, "<saml2:AttributeStatement>");
    for (int i = 0; i < 30; i++)
        gw_buf_printf(&text, FORGE_ATTRIBUTE("attribute%d", "%0400d \xc3\xa9\xe2\x82\xac &lt;tag&gt; "), i, i);
    gw_buf_add_lit(&text, FORGE_ATTRIBUTE("groups", "a</saml2:AttributeValue><saml2:AttributeValue>b"));
    gw_buf_add_lit(&text, "</saml2:AttributeStatement>");
    gw_buf_add_byte(&text, '\0');
    struct forge forge = forge_plain(&world->idp);
    forge.attributes = text.data;
    struct gw_str xml = forge_make(&world->arena, &forge);
    assert_true(xml.len > 16384);
    struct saml_result result = check_at(world, xml, FORGE_NOW_MS);
    assert_verdict("large", result, SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_int_equal(result.assertion.attribute_count, 31);
    assert_true(gw_str_ends(result.assertion.attributes[3].values[0], GW_STR(" \xc3\xa9\xe2\x82\xac <tag> ")));
    assert_int_equal(result.assertion.attributes[30].value_count, 2);
    struct gw_str value;
    assert_false(saml_attribute_get(&result.assertion, GW_STR("groups"), &value));
}

static void g12_both_keys_of_a_rollover_are_taken(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->rollover);
    assert_verdict("new key", check_forged(world, &forge), SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_int_equal(saml_settings_certificate_count(world->settings), 2);
    assert_true(saml_settings_certificate_expires_ms(world->settings, 1) > 0);
}

static void right_shape_by_a_stranger_is_an_unknown_key(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->stranger);
    assert_verdict("both", check_forged(world, &forge), SAML_UNKNOWN_KEY, SAML_CONDITION_NONE);
    forge.sign_response = false;
    assert_verdict("assertion", check_forged(world, &forge), SAML_UNKNOWN_KEY, SAML_CONDITION_NONE);
    forge.assertion_issuer = "http://other";
    assert_verdict("other issuer", check_forged(world, &forge), SAML_CONDITION_FAILED, SAML_CONDITION_ASSERTION_ISSUER);
}

static void both_signatures_must_hold_when_both_are_there(void **state)
{
    struct world *world = *state;
    /* The response is signed by the provider, the assertion in it by a stranger: and the other way round. */
    struct forge inner = forge_plain(&world->stranger);
    struct gw_str by_stranger = forge_make(&world->arena, &inner);
    inner.key = world->idp.key;
    struct gw_str by_idp = forge_make(&world->arena, &inner);
    struct gw_str a = forge_cut(by_stranger, "<saml2:Assertion", "</saml2:Assertion>");
    struct gw_str b = forge_cut(by_idp, "<saml2:Assertion", "</saml2:Assertion>");
    struct saml_result result = check_at(world, forge_replace(&world->arena, by_idp, b, a), FORGE_NOW_MS);
    assert_verdict("stranger's assertion", result, SAML_BAD_SIGNATURE, SAML_CONDITION_NONE);
    result = check_at(world, forge_replace(&world->arena, by_stranger, a, b), FORGE_NOW_MS);
    assert_verdict("stranger's response", result, SAML_BAD_SIGNATURE, SAML_CONDITION_NONE);
}

struct condition_case {
    const char *name;
    const char *from, *to; /* in the unsigned text */
    enum saml_condition condition;
};

#define STATUS_URN "urn:oasis:names:tc:SAML:2.0:status:"

static const struct condition_case conditions[] = {
    {"status", STATUS_URN "Success", STATUS_URN "Requester", SAML_CONDITION_STATUS},
    {"response version", "\" Version=\"2.0\" ", "\" Version=\"1.1\" ", SAML_CONDITION_VERSION},
    {"destination elsewhere", "Destination=\"" FORGE_ACS, "Destination=\"https://evil.example/acs",
     SAML_CONDITION_DESTINATION},
    {"destination empty", "Destination=\"" FORGE_ACS, "Destination=\"", SAML_CONDITION_DESTINATION},
    {"destination missing", "Destination=\"" FORGE_ACS "\"", "", SAML_CONDITION_DESTINATION},
    {"recipient elsewhere", "Recipient=\"" FORGE_ACS, "Recipient=\"https://evil.example/acs", SAML_CONDITION_RECIPIENT},
    {"recipient missing", " Recipient=\"" FORGE_ACS "\"", "", SAML_CONDITION_RECIPIENT},
    {"recipient longer", "Recipient=\"" FORGE_ACS, "Recipient=\"" FORGE_ACS "/x", SAML_CONDITION_RECIPIENT},
    {"no confirmation", FORGE_CONFIRMATION, "", SAML_CONDITION_NO_CONFIRMATION},
    {"method", "cm:bearer", "cm:sender-vouches", SAML_CONDITION_CONFIRMATION_METHOD},
    {"confirmation expired", "Data NotOnOrAfter=\"2026-11-18T11:11", "Data NotOnOrAfter=\"2026-11-18T11:04",
     SAML_CONDITION_CONFIRMATION_EXPIRED},
    {"confirmation without expiry", "Data NotOnOrAfter=\"2026-11-18T11:11:40.000Z\"", "Data",
     SAML_CONDITION_CONFIRMATION_EXPIRED},
    {"confirmation with an odd expiry", "Data NotOnOrAfter=\"2026-11-18T11:11:40.000Z\"",
     "Data NotOnOrAfter=\"tomorrow\"", SAML_CONDITION_CONFIRMATION_EXPIRED},
    {"expiry with a zone", "Data NotOnOrAfter=\"2026-11-18T11:11:40.000Z\"",
     "Data NotOnOrAfter=\"2026-11-18T11:11:40+00:00\"", SAML_CONDITION_CONFIRMATION_EXPIRED},
    {"confirmation later", "Data NotOnOrAfter", "Data NotBefore=\"2026-11-18T11:09:40Z\" NotOnOrAfter",
     SAML_CONDITION_NOT_YET_VALID},
    {"audience", "<saml2:Audience>" FORGE_AUDIENCE, "<saml2:Audience>https://other.example", SAML_CONDITION_AUDIENCE},
    {"audience longer", "<saml2:Audience>" FORGE_AUDIENCE, "<saml2:Audience>" FORGE_AUDIENCE "/",
     SAML_CONDITION_AUDIENCE},
    {"a second restriction", "</saml2:AudienceRestriction>",
     "</saml2:AudienceRestriction><saml2:AudienceRestriction><saml2:Audience>x</saml2:Audience></"
     "saml2:AudienceRestriction>",
     SAML_CONDITION_AUDIENCE},
    {"no conditions", FORGE_CONDITIONS, "", SAML_CONDITION_AUDIENCE},
    {"no restriction",
     "<saml2:AudienceRestriction><saml2:Audience>" FORGE_AUDIENCE "</saml2:Audience></saml2:AudienceRestriction>", "",
     SAML_CONDITION_AUDIENCE},
    {"not yet valid", "NotBefore=\"2026-11-18T11:01", "NotBefore=\"2026-11-18T11:08", SAML_CONDITION_NOT_YET_VALID},
    {"expired", "Z\" NotOnOrAfter=\"2026-11-18T11:11", "Z\" NotOnOrAfter=\"2026-11-18T11:05", SAML_CONDITION_EXPIRED},
    {"session expired", "SessionIndex", "SessionNotOnOrAfter=\"2026-11-18T11:05:00Z\" SessionIndex",
     SAML_CONDITION_SESSION_EXPIRED},
};

/* Puts the change into the response before it is signed, so that only the condition can refuse it. */
static struct gw_str sign_changed(struct world *world, const char *from, const char *to)
{
    struct forge forge = forge_plain(&world->idp);
    struct gw_str changed =
        forge_replace(&world->arena, forge_unsigned(&world->arena, &forge), gw_str_from(from), gw_str_from(to));
    assert_non_null(changed.ptr);
    xmlDoc *doc = xmlReadMemory(changed.ptr, (int)changed.len, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR);
    assert_non_null(doc);
    xmlNode *response = xmlDocGetRootElement(doc);
    assert_true(forge_sign_node(&forge, doc, forge_find(response->children, "Assertion")));
    assert_true(forge_sign_node(&forge, doc, response));
    xmlChar *bytes;
    int len;
    xmlDocDumpMemoryEnc(doc, &bytes, &len, "UTF-8");
    struct gw_str made = gw_arena_copy(&world->arena, gw_str_n((const char *)bytes, (size_t)len));
    xmlFree(bytes);
    xmlFreeDoc(doc);
    return made;
}

static void g8_each_condition_refuses_by_its_name(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        struct gw_str xml = sign_changed(world, conditions[i].from, conditions[i].to);
        assert_verdict(conditions[i].name, check_at(world, xml, FORGE_NOW_MS), SAML_CONDITION_FAILED,
                       conditions[i].condition);
    }
}

static void g8_issuers_and_versions_refuse_by_their_names(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    forge.response_issuer = "http://evil.example";
    assert_verdict("response issuer", check_forged(world, &forge), SAML_CONDITION_FAILED,
                   SAML_CONDITION_RESPONSE_ISSUER);
    forge.response_issuer = "";
    assert_verdict("no response issuer", check_forged(world, &forge), SAML_CONDITION_FAILED,
                   SAML_CONDITION_RESPONSE_ISSUER);
    forge = forge_plain(&world->idp);
    forge.assertion_issuer = FORGE_ENTITY " ";
    assert_verdict("assertion issuer", check_forged(world, &forge), SAML_CONDITION_FAILED,
                   SAML_CONDITION_ASSERTION_ISSUER);
    forge = forge_plain(&world->idp);
    forge.assertion_version = "1.1";
    assert_verdict("assertion version", check_forged(world, &forge), SAML_CONDITION_FAILED, SAML_CONDITION_VERSION);
}

#define METHOD(name) "http://www.w3.org/2001/04/xmldsig-more#" name

static struct saml_settings *settings_of(const struct forge_idp *first, const struct forge_idp *second)
{
    struct saml_pem pems[] = {{"first.pem", first->certificate_pem}, {"second.pem", second->certificate_pem}};
    struct gw_str url = GW_STR(FORGE_ACS);
    struct saml_source source = {pems, 2, GW_STR(FORGE_ENTITY), GW_STR(FORGE_AUDIENCE), &url, 1, SAML_SKEW_MS_DEFAULT};
    struct saml_settings *settings = NULL;
    assert_int_equal(saml_settings_new(&source, &settings, NULL), GW_OK);
    return settings;
}

/* G2: which algorithm a signature may have is what the pinned key can make. */
static void g2_ecdsa_by_a_pinned_key_is_taken_and_no_kind_passes_for_the_other(void **state)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    static const char *const methods[] = {METHOD("ecdsa-sha256"), METHOD("ecdsa-sha512")};
    struct world *world = *state;
    struct saml_settings *all = world->settings;
    for (size_t i = 0; i < 6; i++) {
        struct forge_idp ec = forge_idp_of(&world->arena, EVP_EC_gen(curves[i / 2]));
        struct forge_idp other = forge_idp_of(&world->arena, EVP_EC_gen(curves[i / 2]));
        struct forge forge = forge_plain(&ec);
        forge.signature_method = methods[i % 2];
        struct gw_str xml = forge_make(&world->arena, &forge);
        struct gw_str as_rsa =
            forge_replace(&world->arena, xml, gw_str_from(methods[i % 2]), GW_STR(METHOD("rsa-sha256")));
        world->settings = settings_of(&world->idp, &ec); /* a provider on its way from RSA to ECDSA */
        assert_verdict(curves[i / 2], check_at(world, xml, FORGE_NOW_MS), SAML_VOUCHED, SAML_CONDITION_NONE);
        forge.key = other.key;
        assert_verdict("a stranger", check_forged(world, &forge), SAML_UNKNOWN_KEY, SAML_CONDITION_NONE);
        assert_int_not_equal(check_at(world, as_rsa, FORGE_NOW_MS).verdict, SAML_VOUCHED);
        struct forge rsa = forge_plain(&world->idp);
        struct gw_str of_rsa = forge_make(&world->arena, &rsa);
        assert_verdict("RSA", check_at(world, of_rsa, FORGE_NOW_MS), SAML_VOUCHED, SAML_CONDITION_NONE);
        saml_settings_free(world->settings);
        world->settings = settings_of(&ec, &ec);
        assert_verdict("RSA without a key", check_at(world, of_rsa, FORGE_NOW_MS), SAML_UNKNOWN_KEY,
                       SAML_CONDITION_NONE);
        assert_int_not_equal(check_at(world, as_rsa, FORGE_NOW_MS).verdict, SAML_VOUCHED);
        saml_settings_free(world->settings);
        world->settings = all;
        assert_verdict("ECDSA without a key", check_at(world, xml, FORGE_NOW_MS), SAML_UNKNOWN_KEY,
                       SAML_CONDITION_NONE);
        EVP_PKEY_free(ec.key);
        EVP_PKEY_free(other.key);
    }
}

static void g8_skew_is_given_on_both_ends_and_ends_exactly(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    struct gw_str xml = forge_make(&world->arena, &forge);
    int64_t first_ms = FORGE_NOW_MS - 300000 - SAML_SKEW_MS_DEFAULT;
    int64_t end_ms = FORGE_NOW_MS + 300000 + SAML_SKEW_MS_DEFAULT;
    assert_verdict("first", check_at(world, xml, first_ms), SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_verdict("before", check_at(world, xml, first_ms - 1), SAML_CONDITION_FAILED, SAML_CONDITION_NOT_YET_VALID);
    assert_verdict("last", check_at(world, xml, end_ms - 1), SAML_VOUCHED, SAML_CONDITION_NONE);
    assert_verdict("end", check_at(world, xml, end_ms), SAML_CONDITION_FAILED, SAML_CONDITION_CONFIRMATION_EXPIRED);
}

static void refusal_of_the_provider_is_a_status_even_without_assertion(void **state)
{
    struct world *world = *state;
    struct forge forge = forge_plain(&world->idp);
    forge.sign_assertion = forge.sign_response = false;
    struct gw_str xml = forge_unsigned(&world->arena, &forge);
    xml = forge_replace(&world->arena, xml, forge_cut(xml, "<saml2:Assertion", "</saml2:Assertion>"), GW_STR(""));
    assert_verdict("success without assertion", check_at(world, xml, FORGE_NOW_MS), SAML_WRONG_SHAPE,
                   SAML_CONDITION_NONE);
    xml =
        forge_replace(&world->arena, xml, GW_STR("Success\"/>"),
                      GW_STR("Responder\"><saml2p:StatusCode Value=\"" STATUS_URN "AuthnFailed\"/></saml2p:StatusCode>"
                             "<saml2p:StatusMessage>no</saml2p:StatusMessage>"));
    assert_verdict("failed", check_at(world, xml, FORGE_NOW_MS), SAML_CONDITION_FAILED, SAML_CONDITION_STATUS);
}

static void settings_refuse_what_cannot_verify(void **state)
{
    struct world *world = *state;
    struct forge_idp weak = forge_idp_new(&world->arena, 1024);
    struct forge_idp koblitz = forge_idp_of(&world->arena, EVP_EC_gen("secp256k1"));
    struct forge_idp small = forge_idp_of(&world->arena, EVP_EC_gen("P-224"));
    struct gw_str url = GW_STR(FORGE_ACS);
    struct gw_str half = gw_str_n(world->idp.certificate_pem.ptr, world->idp.certificate_pem.len / 2);
    struct gw_str both =
        gw_arena_printf(&world->arena, "%.*s%.*s", GW_STR_ARG(world->idp.certificate_pem), GW_STR_ARG(half));
    const struct saml_pem bad[] = {{"weak.pem", weak.certificate_pem},
                                   {"koblitz.pem", koblitz.certificate_pem},
                                   {"small.pem", small.certificate_pem},
                                   {"half.pem", half},
                                   {"both.pem", both},
                                   {"empty.pem", GW_STR_NONE},
                                   {"junk.pem", GW_STR("no certificate\n")}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct saml_source source = {&bad[i], 1, GW_STR("i"), GW_STR("a"), &url, 1, 0};
        struct saml_settings *settings = NULL;
        struct gw_error err = {0};
        assert_int_equal(saml_settings_new(&source, &settings, &err), GW_E_CONFIG);
        assert_non_null(strstr(err.text, bad[i].name));
        assert_null(settings);
    }
    struct saml_pem good = {"good.pem", world->idp.certificate_pem};
    const struct saml_source sources[] = {{&good, 0, GW_STR("i"), GW_STR("a"), &url, 1, 0},
                                          {&good, 1, GW_STR(""), GW_STR("a"), &url, 1, 0},
                                          {&good, 1, GW_STR("i"), GW_STR(""), &url, 1, 0},
                                          {&good, 1, GW_STR("i"), GW_STR("a"), &url, 0, 0},
                                          {&good, 1, GW_STR("i"), GW_STR("a"), &url, 1, -1}};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct saml_settings *settings = NULL;
        assert_int_equal(saml_settings_new(&sources[i], &settings, NULL), GW_E_CONFIG);
    }
    EVP_PKEY_free(weak.key);
    EVP_PKEY_free(koblitz.key);
    EVP_PKEY_free(small.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g11_response_in_the_shape_of_okta_is_vouched_for),
        cmocka_unit_test(either_signature_alone_is_enough),
        cmocka_unit_test(other_accepted_forms_are_vouched_for),
        cmocka_unit_test(coded_line_breaks_in_a_signature_value_are_taken),
        cmocka_unit_test(threads_share_the_settings),
        cmocka_unit_test(g11_thirty_attributes_of_sixteen_kilobytes_are_vouched_for),
        cmocka_unit_test(g12_both_keys_of_a_rollover_are_taken),
        cmocka_unit_test(right_shape_by_a_stranger_is_an_unknown_key),
        cmocka_unit_test(both_signatures_must_hold_when_both_are_there),
        cmocka_unit_test(g8_each_condition_refuses_by_its_name),
        cmocka_unit_test(g8_issuers_and_versions_refuse_by_their_names),
        cmocka_unit_test(g2_ecdsa_by_a_pinned_key_is_taken_and_no_kind_passes_for_the_other),
        cmocka_unit_test(g8_skew_is_given_on_both_ends_and_ends_exactly),
        cmocka_unit_test(refusal_of_the_provider_is_a_status_even_without_assertion),
        cmocka_unit_test(settings_refuse_what_cannot_verify),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
