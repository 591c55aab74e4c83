#include "tests/unit/scim/scim_test.h"

#include "routes/scim/message.h"

/* Rules R25, 0.10, 0.25 */
static void an_error_has_status_as_a_string(void **state)
{
    static const struct {
        enum gw_code code;
        const char *detail;
        const char *json;
    } CASES[] = {
        {GW_E_UNIQUENESS, "User already exists: \"x\"",
         "{'schemas':['urn:ietf:params:scim:api:messages:2.0:Error'],'scimType':'uniqueness',"
         "'detail':'User already exists: \\u0022x\\u0022','status':'409'}"},
        {GW_E_NOT_FOUND, NULL,
         "{'schemas':['urn:ietf:params:scim:api:messages:2.0:Error'],'detail':'not found','status':'404'}"},
        {GW_E_INVALID_FILTER, "",
         "{'schemas':['urn:ietf:params:scim:api:messages:2.0:Error'],'scimType':'invalidFilter',"
         "'detail':'the filter is not valid','status':'400'}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(buf, 4096);
        scim_error_write(&buf, CASES[i].code, CASES[i].detail);
        struct json_limits limits = JSON_LIMITS_BODY;
        struct json_value *value;
        struct gw_error err;
        assert_int_equal(json_parse(&arena, gw_buf_str(&buf), &limits, &value, &err), GW_OK);
        assert_json(&arena, value, CASES[i].json);
    }
}

/* Rules R41, R42, 0.2, 0.3, 0.7 */
static void a_list_counts_with_numbers(void **state)
{
    GW_BUF_SCOPED(buf, 4096);
    (void)state;
    scim_list_write(&buf, 250, 101, 2, GW_STR("{\"id\":\"a\"},{\"id\":\"b\"}"));
    assert_str_equal(gw_buf_str(&buf),
                     "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":250,"
                     "\"startIndex\":101,\"itemsPerPage\":2,\"Resources\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
    gw_buf_clear(&buf);
    scim_list_write(&buf, 0, 1, 0, GW_STR(""));
    assert_str_equal(gw_buf_str(&buf),
                     "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":0,"
                     "\"startIndex\":1,\"itemsPerPage\":0,\"Resources\":[]}");
}

/* Rule R100; semantics.md 5: no bulk, no sort, no changePassword */
static void the_provider_document_tells_what_is_supported(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_provider_options options = {
        .base_url = GW_STR("https://p/scim/v2"), .results_max = 1000, .etag = true, .bearer = true};
    (void)state;
    assert_json(
        &arena, scim_provider_json(&arena, &options),
        "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],'patch':{'supported':true},"
        "'bulk':{'supported':false,'maxOperations':0,'maxPayloadSize':0},"
        "'filter':{'supported':true,'maxResults':1000},'changePassword':{'supported':false},"
        "'sort':{'supported':false},'etag':{'supported':true},'authenticationSchemes':[{"
        "'type':'oauthbearertoken','name':'Bearer token','description':'A token in the Authorization header',"
        "'specUri':'https://www.rfc-editor.org/info/rfc6750','primary':true}],"
        "'meta':{'resourceType':'ServiceProviderConfig','location':'https://p/scim/v2/ServiceProviderConfig'}}");
    options.basic = true;
    const struct json_value *schemes =
        json_object_get(scim_provider_json(&arena, &options), GW_STR("authenticationSchemes"));
    assert_int_equal(json_count(schemes), 2);
    assert_false(json_object_get(schemes->array.items[1], GW_STR("primary"))->boolean);
}

static const struct json_value *list_of(struct gw_arena *arena, const struct gw_buf *buf)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *list;
    struct gw_error err = {0};
    assert_false(buf->overflow);
    assert_int_equal(json_parse(arena, gw_buf_str(buf), &limits, &list, &err), GW_OK);
    return json_object_get(list, GW_STR("Resources"));
}

static void assert_complete(const struct json_value *attributes)
{
    static const char *const NAMES[] = {"name",      "type",       "multiValued", "description", "required",
                                        "caseExact", "mutability", "returned",    "uniqueness"};
    for (size_t i = 0; i < json_count(attributes); i++) {
        const struct json_value *attribute = attributes->array.items[i];
        for (size_t j = 0; j < COUNT(NAMES); j++)
            assert_non_null(json_object_get(attribute, gw_str_from(NAMES[j])));
        assert_complete(json_object_get(attribute, GW_STR("subAttributes")));
    }
}

/* Rule R102: every attribute with all characteristics; nothing is listed that is not kept (password) */
static void schemas_list_what_is_kept(void **state)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 1 << 20);
    struct scim_schema_set set;
    (void)state;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    scim_schemas_write(&buf, &set, GW_STR("https://p"));
    const struct json_value *schemas = list_of(&arena, &buf);
    assert_int_equal(json_count(schemas), 5);
    for (size_t i = 0; i < json_count(schemas); i++)
        assert_complete(json_object_get(schemas->array.items[i], GW_STR("attributes")));
    assert_null(strstr(buf.data, "\"password\""));
    assert_null(strstr(buf.data, "null"));
    assert_non_null(strstr(buf.data, "\"id\":\"" SCIM_URN_ENTERPRISE "\""));
    assert_non_null(strstr(buf.data, "https://p/Schemas/" SCIM_URN_USER));
}

/* scim-clients.md 2: what Okta's discovery reads */
static void resource_types_name_schemas_and_extensions(void **state)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 1 << 20);
    struct scim_schema_set set;
    (void)state;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    scim_resource_types_write(&buf, &set, GW_STR("https://p"));
    const struct json_value *types = list_of(&arena, &buf);
    assert_int_equal(json_count(types), 4);
    assert_json(
        &arena, types->array.items[0],
        "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],'id':'User','name':'User',"
        "'endpoint':'/Users','description':'User Account','schema':'urn:ietf:params:scim:schemas:core:2.0:User',"
        "'schemaExtensions':[{'schema':'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',"
        "'required':false}],'meta':{'resourceType':'ResourceType','location':'https://p/ResourceTypes/User'}}");
    assert_json(&arena, types->array.items[2],
                "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],'id':'Role','name':'Role',"
                "'endpoint':'/Roles','description':'Role','schema':'urn:okta:scim:schemas:core:1.0:Role',"
                "'meta':{'resourceType':'ResourceType','location':'https://p/ResourceTypes/Role'}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_status_as_a_string),
        cmocka_unit_test(a_list_counts_with_numbers),
        cmocka_unit_test(the_provider_document_tells_what_is_supported),
        cmocka_unit_test(schemas_list_what_is_kept),
        cmocka_unit_test(resource_types_name_schemas_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
