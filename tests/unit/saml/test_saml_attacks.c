/* security.md G1 to G7 and G9: forged and mangled responses. Each must be refused; nobody may come in as anyone. */
#include "gateway/base/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/saml/saml_forge.h"

static struct gw_arena arena;
static struct forge_idp idp;
static struct saml_settings *settings;

static int setup(void **state)
{
    (void)state;
    if (saml_library_init(NULL) != GW_OK)
        return -1;
    idp = forge_idp_new(&arena, 2048);
    struct saml_pem pem = {"idp.pem", idp.certificate_pem};
    struct gw_str url = GW_STR(FORGE_ACS);
    struct saml_source source = {.certificates = &pem,
                                 .certificate_count = 1,
                                 .idp_entity = GW_STR(FORGE_ENTITY),
                                 .audience = GW_STR(FORGE_AUDIENCE),
                                 .acs_urls = &url,
                                 .acs_url_count = 1,
                                 .skew_ms = SAML_SKEW_MS_DEFAULT};
    return saml_settings_new(&source, &settings, NULL) == GW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    saml_settings_free(settings);
    EVP_PKEY_free(idp.key);
    gw_arena_done(&arena);
    return 0;
}

static void assert_refused(const char *name, struct gw_str xml)
{
    struct saml_result result;
    struct gw_error err = {0};
    if (xml.ptr == NULL)
        fail_msg("%s: the attack was not made", name);
    int64_t start_ms = gw_clock_mono_ms();
    enum gw_code code = saml_check(settings, &arena, xml, FORGE_NOW_MS, &result, &err);
    if (code == GW_OK || result.verdict == SAML_VOUCHED || result.assertion.name_id.ptr != NULL)
        fail_msg("%s: let in as %.*s", name, GW_STR_ARG(result.assertion.name_id));
    assert_true(err.text[0] != '\0');
    assert_true(gw_clock_mono_ms() - start_ms < 60000);
}

static struct gw_str make(bool sign_response, bool sign_assertion)
{
    struct forge forge = forge_plain(&idp);
    forge.sign_response = sign_response;
    forge.sign_assertion = sign_assertion;
    struct gw_str xml = forge_make(&arena, &forge);
    assert_non_null(xml.ptr);
    return xml;
}

static struct gw_str replace(struct gw_str text, const char *from, struct gw_str to)
{
    return forge_replace(&arena, text, gw_str_from(from), to);
}

static struct gw_str join(const char *before, struct gw_str a, const char *between, struct gw_str b, const char *after)
{
    return gw_arena_printf(&arena, "%s%.*s%s%.*s%s", before, GW_STR_ARG(a), between, GW_STR_ARG(b), after);
}

struct parts {
    struct gw_str whole;     /* the genuine document */
    struct gw_str root;      /* without the XML declaration */
    struct gw_str assertion; /* genuine, signed */
    struct gw_str signature; /* of the assertion */
    struct gw_str unsigned_; /* the assertion without its signature */
    struct gw_str evil;      /* the assertion with another name and ID, no signature */
};

static struct parts take_apart(struct gw_str whole)
{
    struct parts parts = {.whole = whole};
    parts.root = forge_cut(whole, "<saml2p:Response", "</saml2p:Response>");
    parts.assertion = forge_cut(whole, "<saml2:Assertion", "</saml2:Assertion>");
    parts.signature = forge_cut(parts.assertion, "<ds:Signature ", "</ds:Signature>");
    parts.unsigned_ = parts.assertion;
    if (parts.signature.ptr != NULL)
        parts.unsigned_ = forge_replace(&arena, parts.assertion, parts.signature, GW_STR(""));
    parts.evil = replace(replace(parts.unsigned_, "alice@example.com", GW_STR("admin@example.com")), "ID=\"id2\"",
                         GW_STR("ID=\"evil\""));
    assert_non_null(parts.evil.ptr);
    return parts;
}

static struct gw_str with_assertion(const struct parts *parts, struct gw_str other)
{
    return forge_replace(&arena, parts->whole, parts->assertion, other);
}

static void g1_wrapped_signed_assertions_are_refused(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        struct parts p = take_apart(make(both, true));
        struct gw_str in_object = join("", gw_str_n(p.signature.ptr, p.signature.len - strlen("</ds:Signature>")),
                                       "<ds:Object>", p.assertion, "</ds:Object></ds:Signature>");
        struct gw_str evil_signed =
            replace(p.evil, "<saml2:Subject>", join("", p.signature, "", GW_STR("<saml2:Subject>"), ""));
        struct gw_str close = GW_STR("</saml2:Assertion>");
        struct gw_str evil_open = gw_str_n(p.evil.ptr, p.evil.len - close.len);
        assert_refused("XSW3 evil first", with_assertion(&p, join("", p.evil, "", p.assertion, "")));
        assert_refused("XSW3 evil last", with_assertion(&p, join("", p.assertion, "", p.evil, "")));
        assert_refused("XSW4 genuine inside evil",
                       with_assertion(&p, join("", evil_open, "", p.assertion, "</saml2:Assertion>")));
        assert_refused("XSW5 evil with the signature", with_assertion(&p, join("", evil_signed, "", p.unsigned_, "")));
        assert_refused("evil with the signature alone", with_assertion(&p, evil_signed));
        assert_refused("XSW6 genuine inside the signature of evil",
                       with_assertion(&p, replace(p.evil, "<saml2:Subject>",
                                                  join("", in_object, "", GW_STR("<saml2:Subject>"), ""))));
        assert_refused("XSW7 evil in Extensions", with_assertion(&p, join("<saml2p:Extensions>", p.evil,
                                                                          "</saml2p:Extensions>", p.assertion, "")));
        assert_refused("genuine in Extensions", with_assertion(&p, join("<saml2p:Extensions>", p.assertion,
                                                                        "</saml2p:Extensions>", p.evil, "")));
        assert_refused("XSW8 genuine in an Object", with_assertion(&p, join("", evil_open, "<ds:Object>", p.assertion,
                                                                            "</ds:Object></saml2:Assertion>")));
        assert_refused("genuine in StatusDetail",
                       replace(with_assertion(&p, p.evil), "</saml2p:Status>",
                               join("<saml2p:StatusDetail>", p.assertion, "</saml2p:StatusDetail>",
                                    GW_STR("</saml2p:Status>"), "")));
        assert_refused("genuine in an attribute value",
                       with_assertion(&p, replace(p.evil, ">Alice<", join(">", p.assertion, "<", GW_STR(""), ""))));
        assert_refused("genuine in Advice",
                       with_assertion(&p, replace(p.evil, "<saml2:AuthnStatement",
                                                  join("<saml2:Advice>", p.assertion, "</saml2:Advice>",
                                                       GW_STR("<saml2:AuthnStatement"), ""))));
        assert_refused("same ID twice", with_assertion(&p, join("", replace(p.evil, "\"evil\"", GW_STR("\"id2\"")), "",
                                                                p.assertion, "")));
        assert_refused("second subject", with_assertion(&p, replace(p.assertion, "<saml2:Subject>",
                                                                    GW_STR("<saml2:Subject>" FORGE_NAME_ID(
                                                                        "admin") "</saml2:Subject><saml2:Subject>"))));
        assert_refused("changed name", replace(p.whole, "alice@example.com</saml2:NameID>",
                                               GW_STR("admin@example.com</saml2:NameID>")));
        assert_refused("changed attribute", replace(p.whole, ">Alice<", GW_STR(">Admin<")));
    }
}

static void g1_wrapped_signed_responses_are_refused(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        struct gw_str whole = make(true, both);
        struct gw_str root = forge_cut(whole, "<saml2p:Response", "</saml2p:Response>");
        struct gw_str signature = forge_cut(root, "<ds:Signature ", "</ds:Signature>");
        struct gw_str bare = forge_replace(&arena, root, signature, GW_STR(""));
        struct gw_str evil = replace(replace(root, "alice@example.com", GW_STR("admin@example.com")), "ID=\"id1\"",
                                     GW_STR("ID=\"evil\""));
        struct gw_str open = gw_str_n(signature.ptr, signature.len - strlen("</ds:Signature>"));
        assert_refused(
            "XSW1 genuine in the signature",
            forge_replace(&arena, evil, signature, join("", open, "<ds:Object>", bare, "</ds:Object></ds:Signature>")));
        assert_refused(
            "genuine with its signature in the signature",
            forge_replace(&arena, evil, signature, join("", open, "<ds:Object>", root, "</ds:Object></ds:Signature>")));
        assert_refused("XSW2 genuine before the signature",
                       forge_replace(&arena, evil, signature, join("", bare, "", signature, "")));
        assert_refused("genuine as Extensions",
                       forge_replace(&arena, evil, signature,
                                     join("", signature, "<saml2p:Extensions>", root, "</saml2p:Extensions>")));
        assert_refused("evil keeps the signature", evil);
        assert_refused("genuine below evil", join("<saml2p:Response", GW_STR(""), ">", root, "</saml2p:Response>"));
        assert_refused("two documents", join("", root, "", evil, ""));
        assert_refused("changed destination",
                       replace(whole, "Destination=\"https://wiki", GW_STR("Destination=\"https://w1ki")));
    }
}

struct edit {
    const char *name, *from, *to;
};

static const struct edit signature_edits[] = {
    {"empty value", "<ds:SignatureValue>", "<ds:SignatureValue></ds:SignatureValue><ds:SignatureValue>"},
    {"no value", "ds:SignatureValue", "ds:Signaturevalue"},
    {"alg none", "xmldsig-more#rsa-sha256", "xmldsig-more#none"},
    {"alg hmac", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
     "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"},
    {"alg sha1", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
    {"digest sha1", "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"},
    {"reference empty", "URI=\"#id", "URI=\"\" Id=\"#id"},
    {"reference to all", "URI=\"#id2\"", "URI=\"\""},
    {"reference to a file", "URI=\"#id2\"", "URI=\"file:///etc/passwd\""},
    {"reference over http", "URI=\"#id2\"", "URI=\"http://127.0.0.1:9/\""},
    {"reference by xpointer", "URI=\"#id2\"", "URI=\"#xpointer(id('id2'))\""},
    {"reference elsewhere", "URI=\"#id2\"", "URI=\"#id9\""},
    {"no enveloped", "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>", ""},
    {"xpath", "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116"},
    {"xslt", "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"},
    {"inclusive c14n", "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
     "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\""},
    {"second signed info", "<ds:SignedInfo>", "<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>"},
    {"second reference", "<ds:Reference URI", "<ds:Reference URI=\"#x\"></ds:Reference><ds:Reference URI"},
    {"comment in digest", "<ds:DigestValue>", "<ds:DigestValue><!--x-->"},
    {"element in digest", "<ds:DigestValue>", "<ds:DigestValue><ds:Object/>"},
    {"digest of nothing", "<ds:DigestValue>",
     "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue><ds:DigestValue>"},
    {"object", "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"},
    {"manifest", "<ds:Reference URI=\"#id2\"",
     "<ds:Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" URI=\"#id2\""},
    {"retrieval method", "<ds:X509Data>", "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/\"/><ds:X509Data>"},
    {"other signature namespace", "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
     "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig\""},
    {"id of the signature", "<ds:Signature ", "<ds:Signature Id=\"id2\" "},
    {"long prefix list", "PrefixList=\"xs\"",
     "PrefixList=\"xs a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v "
     "w x y z a b "
     "c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f "
     "g h i j k l "
     "m n o p q r s t u v w x y z a b c d e f g h i j k l m\""},
};

static void g2_g3_signatures_of_another_kind_are_refused(void **state)
{
    (void)state;
    struct gw_str xml = make(false, true);
    for (size_t i = 0; i < sizeof signature_edits / sizeof signature_edits[0]; i++)
        assert_refused(signature_edits[i].name,
                       replace(xml, signature_edits[i].from, gw_str_from(signature_edits[i].to)));
    struct gw_str signature = forge_cut(xml, "<ds:Signature ", "</ds:Signature>");
    assert_refused("removed", forge_replace(&arena, xml, signature, GW_STR("")));
    assert_refused("emptied", forge_replace(&arena, xml, signature,
                                            GW_STR("<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>")));
    struct gw_str value = forge_cut(xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
    assert_refused("value emptied",
                   forge_replace(&arena, xml, value, GW_STR("<ds:SignatureValue></ds:SignatureValue>")));
}

/* These are signed as they stand, with the right key: only the gate can refuse them. */
static void g2_g3_well_signed_with_refused_algorithms_is_refused(void **state)
{
    (void)state;
    struct forge forge = forge_plain(&idp);
    forge.signature_method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    assert_refused("rsa-sha1", forge_make(&arena, &forge));
    forge = forge_plain(&idp);
    forge.digest_method = "http://www.w3.org/2000/09/xmldsig#sha1";
    assert_refused("sha1", forge_make(&arena, &forge));
    forge = forge_plain(&idp);
    forge.sign_response = false;
    forge.reference_prefix = "";
    assert_refused("whole document", forge_make(&arena, &forge));
    forge = forge_plain(&idp);
    forge.transforms = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    assert_refused("no c14n", forge_make(&arena, &forge));
    forge.transforms = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"
                       "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#WithComments\"/>";
    assert_refused("c14n with comments", forge_make(&arena, &forge));
}

static const struct {
    const char *name, *xml;
} signed_subjects[] = {
    {"comment", "<saml2:NameID>alice<!-- -->@example.com</saml2:NameID>"},
    {"processing instruction", "<saml2:NameID>alice<?x y?>@example.com</saml2:NameID>"},
    {"CDATA", "<saml2:NameID><![CDATA[alice]]>@example.com</saml2:NameID>"},
    {"element", "<saml2:NameID>alice<b/>@example.com</saml2:NameID>"},
    {"SAML element", "<saml2:NameID>alice<saml2:Audience/></saml2:NameID>"},
    {"blank before", "<saml2:NameID> alice</saml2:NameID>"},
    {"blank inside", "<saml2:NameID>ali ce</saml2:NameID>"},
    {"newline", "<saml2:NameID>alice\n</saml2:NameID>"},
    {"coded newline", "<saml2:NameID>alice&#10;</saml2:NameID>"},
    {"homoglyph", "<saml2:NameID>\xd0\xb0lice</saml2:NameID>"},
    {"no-break space", "<saml2:NameID>alice&#160;</saml2:NameID>"},
    {"empty", "<saml2:NameID></saml2:NameID>"},
    {"closed", "<saml2:NameID/>"},
    {"none", ""},
    {"look-alike namespace", "<x:NameID xmlns:x=\"urn:x\">a</x:NameID>"},
    {"other namespace", "<saml2p:NameID>alice</saml2p:NameID>"},
    {"two", "<saml2:NameID>alice</saml2:NameID><saml2:NameID>bob</saml2:NameID>"},
    {"extra attribute", "<saml2:NameID x=\"y\">alice</saml2:NameID>"},
    {"xml:id", "<saml2:NameID xml:id=\"id2\">alice</saml2:NameID>"},
    {"unknown namespace", "<saml2:NameID xmlns:r=\"urn:other\">alice</saml2:NameID>"},
    {"encrypted", "<saml2:EncryptedID/>"},
    {"base id", "<saml2:BaseID/>"},
    {"text beside", "alice<saml2:NameID>alice</saml2:NameID>"},
};

static void g4_g7_odd_name_ids_are_refused_though_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signed_subjects / sizeof signed_subjects[0]; i++) {
        struct forge forge = forge_plain(&idp);
        forge.subject = gw_arena_printf(&arena, "%s" FORGE_CONFIRMATION, signed_subjects[i].xml).ptr;
        assert_refused(signed_subjects[i].name, forge_make(&arena, &forge));
    }
    for (int len = 253; len < 256; len++) {
        struct forge forge = forge_plain(&idp);
        forge.subject = gw_arena_printf(&arena, "<saml2:NameID>%0*d</saml2:NameID>" FORGE_CONFIRMATION, len, 0).ptr;
        struct saml_result result;
        enum gw_code code = saml_check(settings, &arena, forge_make(&arena, &forge), FORGE_NOW_MS, &result, NULL);
        assert_int_equal(code == GW_OK, len <= SAML_NAME_ID_MAX);
    }
}

static void other_shapes_are_refused_though_signed(void **state)
{
    (void)state;
    const char *attributes[] = {"xml:lang=\"en\"", "xml:id=\"id2\"", "Id=\"id2\"", "saml2p:ID=\"id2\""};
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        struct forge forge = forge_plain(&idp);
        forge.response_attributes = attributes[i];
        assert_refused(attributes[i], forge_make(&arena, &forge));
    }
    const char *ids[] = {"1x", "a b", "a'b", "id2", "x)", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct forge forge = forge_plain(&idp);
        forge.sign_response = false;
        forge.response_id = ids[i];
        assert_refused(ids[i], forge_make(&arena, &forge));
    }
    const char *more[] = {"<saml2p:Extensions/>", "text", "<saml2:EncryptedAssertion/>", "<saml2:Issuer/>"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        struct forge forge = forge_plain(&idp);
        forge.before_assertion = more[i];
        assert_refused(more[i], forge_make(&arena, &forge));
        forge.before_assertion = "";
        forge.after_assertion = more[i];
        assert_refused(more[i], forge_make(&arena, &forge));
    }
}

static void g9_encrypted_assertions_are_refused_with_a_clear_text(void **state)
{
    (void)state;
    struct gw_str xml = make(true, true);
    xml = forge_replace(&arena, xml, forge_cut(xml, "<saml2:Assertion", "</saml2:Assertion>"),
                        GW_STR("<saml2:EncryptedAssertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"));
    struct saml_result result;
    struct gw_error err;
    assert_int_equal(saml_check(settings, &arena, xml, FORGE_NOW_MS, &result, &err), GW_E_FORBIDDEN);
    assert_non_null(strstr(err.text, "encryption is not supported"));
}

static const struct edit document_edits[] = {
    {"DOCTYPE", "<saml2p:Response", "<!DOCTYPE x><saml2p:Response"},
    {"file entity", "<saml2p:Response", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><saml2p:Response"},
    {"http entity", "<saml2p:Response", "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/\"><saml2p:Response"},
    {"laughs", "<saml2p:Response", "<!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><saml2p:Response"},
    {"undeclared entity", "alice@", "&e;alice@"},
    {"comment before", "<saml2p:Response", "<!-- x --><saml2p:Response"},
    {"instruction before", "<saml2p:Response", "<?xml-stylesheet href=\"x\"?><saml2p:Response"},
    {"second declaration", "<saml2p:Response", "<?xml version=\"1.0\"?><saml2p:Response"},
    {"other encoding", "encoding=\"UTF-8\"", "encoding=\"UTF-7\""},
    {"odd encoding", "encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\""},
    {"xml 1.1", "version=\"1.0\"", "version=\"1.1\""},
    {"byte order mark", "<?xml", "\xef\xbb\xbf<?xml"},
    {"control", "alice@",
     "\x01"
     "alice@"},
    {"overlong", "alice@",
     "\xc0\xaf"
     "alice@"},
    {"surrogate", "alice@",
     "\xed\xa0\x80"
     "alice@"},
    {"coded NUL", "alice@", "&#0;alice@"},
    {"junk after", "</saml2p:Response>", "</saml2p:Response>x"},
    {"root after", "</saml2p:Response>", "</saml2p:Response><a/>"},
    {"too many closings", "</saml2p:Response>", "</saml2p:Response></a>"},
    {"cut short", "</saml2p:Response>", ""},
    {"wrong closing", "</saml2p:Response>", "</saml2p:Respons>"},
    {"less-than in an attribute", "Destination=\"", "Destination=\"<"},
    {"attribute twice", "Destination=\"", "ID=\"id7\" Destination=\""},
    {"unbound prefix", "<saml2p:Status>", "<saml2p:Status q:a=\"b\">"},
    {"relative namespace", "<saml2:Subject>", "<saml2:Subject xmlns:r=\"relative\">"},
    {"other root", "saml2p:Response", "saml2p:LogoutResponse"},
};

static void g5_g6_documents_of_another_kind_are_refused(void **state)
{
    (void)state;
    struct gw_str xml = make(true, true);
    for (size_t i = 0; i < sizeof document_edits / sizeof document_edits[0]; i++)
        assert_refused(document_edits[i].name, replace(xml, document_edits[i].from, gw_str_from(document_edits[i].to)));
    assert_refused("nothing", GW_STR(""));
    assert_refused("one byte", GW_STR("<"));
    assert_refused("NUL inside", gw_arena_printf(&arena, "%.*s%c", GW_STR_ARG(xml), 0));
    GW_BUF_SCOPED(wide, 400000);
    gw_buf_add_lit(&wide, "\xff\xfe");
    for (size_t i = 0; i < xml.len; i++) {
        gw_buf_add_byte(&wide, xml.ptr[i]);
        gw_buf_add_byte(&wide, '\0');
    }
    assert_refused("UTF-16", gw_buf_str(&wide));
    for (size_t cut = 0; cut < xml.len; cut += 97)
        assert_refused("cut", gw_str_n(xml.ptr, cut));
}

static void g6_bombs_are_refused_by_the_scan(void **state)
{
    (void)state;
    GW_BUF_SCOPED(text, 2000000);
    for (int i = 0; i < 20000; i++)
        gw_buf_add_lit(&text, "<a>");
    assert_refused("levels", gw_buf_str(&text));
    gw_buf_clear(&text);
    gw_buf_add_lit(&text, "<a");
    for (int i = 0; i < 12000; i++)
        gw_buf_printf(&text, " a%d=\"\"", i);
    gw_buf_add_lit(&text, "/>");
    assert_refused("attributes", gw_buf_str(&text));
    gw_buf_clear(&text);
    gw_buf_add_lit(&text, "<a>");
    for (int i = 0; i < 1000; i++)
        gw_buf_add_lit(&text, "<a/>");
    gw_buf_add_lit(&text, "</a>");
    assert_refused("elements", gw_buf_str(&text));
    gw_buf_clear(&text);
    gw_buf_add_lit(&text, "<a>");
    for (int i = 0; i < 1500000; i++)
        gw_buf_add_byte(&text, 'x');
    gw_buf_add_lit(&text, "</a>");
    assert_refused("size", gw_buf_str(&text));
}

/* What still passes after any one byte was changed must name exactly the person that was vouched for. */
static void one_changed_byte_never_makes_another_person(void **state)
{
    (void)state;
    struct gw_str xml = make(true, true);
    char *copy = gw_arena_alloc(&arena, xml.len);
    static const char others[] = {'x', '<', '"', ' ', '&', '#', '/'};
    size_t passed = 0;
    for (size_t i = 0; i < xml.len; i++) {
        memcpy(copy, xml.ptr, xml.len);
        copy[i] = others[i % sizeof others];
        GW_ARENA_SCOPED(own);
        struct saml_result result;
        if (saml_check(settings, &own, gw_str_n(copy, xml.len), FORGE_NOW_MS, &result, NULL) != GW_OK)
            continue;
        passed++;
        assert_str_equal(result.assertion.name_id, "alice@example.com");
    }
    assert_true(passed > 0); /* bytes that change nothing, such as those of KeyInfo of the Response */
    assert_true(passed < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_wrapped_signed_assertions_are_refused),
        cmocka_unit_test(g1_wrapped_signed_responses_are_refused),
        cmocka_unit_test(g2_g3_signatures_of_another_kind_are_refused),
        cmocka_unit_test(g2_g3_well_signed_with_refused_algorithms_is_refused),
        cmocka_unit_test(g4_g7_odd_name_ids_are_refused_though_signed),
        cmocka_unit_test(other_shapes_are_refused_though_signed),
        cmocka_unit_test(g9_encrypted_assertions_are_refused_with_a_clear_text),
        cmocka_unit_test(g5_g6_documents_of_another_kind_are_refused),
        cmocka_unit_test(g6_bombs_are_refused_by_the_scan),
        cmocka_unit_test(one_changed_byte_never_makes_another_person),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
