#include "routes/scim/schema_tables.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NAMED(text) .name = GW_STR_INIT(text)
#define SUBS(array) .type = SCIM_COMPLEX, .subs = (array), .sub_count = COUNT(array)
#define READ_ONLY .mutability = SCIM_READ_ONLY

#define DISPLAY                                                                                                        \
    {                                                                                                                  \
        NAMED("display"), .description = "A name for people, for display only."                                        \
    }
#define PRIMARY                                                                                                        \
    {                                                                                                                  \
        NAMED("primary"), .type = SCIM_BOOLEAN, .description = "The preferred value; true at most once."               \
    }
#define TYPE(list)                                                                                                     \
    {                                                                                                                  \
        NAMED("type"), .canonical = (list), .description = "The function of the value."                                \
    }
#define VALUE(text)                                                                                                    \
    {                                                                                                                  \
        NAMED("value"), .description = (text)                                                                          \
    }

static const char *const CONTACT_TYPES[] = {"work", "home", "other", NULL};
static const char *const PHONE_TYPES[] = {"work", "home", "mobile", "fax", "pager", "other", NULL};
static const char *const IM_TYPES[] = {"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", NULL};
static const char *const PHOTO_TYPES[] = {"photo", "thumbnail", NULL};
static const char *const GROUP_TYPES[] = {"direct", "indirect", NULL};
static const char *const REFERENCE_EXTERNAL[] = {"external", NULL};
static const char *const REFERENCE_URI[] = {"uri", NULL};
static const char *const REFERENCE_USER[] = {"User", NULL};
static const char *const REFERENCE_GROUP[] = {"Group", NULL};
static const char *const REFERENCE_MEMBER[] = {"User", "Group", NULL};

/* RFC 7643 section 3.1 */
static const struct scim_attribute META_SUBS[] = {
    {NAMED("resourceType"), .case_exact = true, READ_ONLY, .description = "The resource type of the resource."},
    {NAMED("created"), .type = SCIM_DATETIME, READ_ONLY, .description = "When the resource was added."},
    {NAMED("lastModified"), .type = SCIM_DATETIME, READ_ONLY, .description = "When the resource last changed."},
    {NAMED("location"), .type = SCIM_REFERENCE, .case_exact = true, READ_ONLY, .references = REFERENCE_URI,
     .description = "The address of the resource."},
    {NAMED("version"), .case_exact = true, READ_ONLY, .description = "The entity tag of the resource."},
};

const struct scim_attribute SCIM_COMMON_ATTRIBUTES[] = {
    {NAMED("schemas"), .type = SCIM_REFERENCE, .multi_valued = true, .required = true, .case_exact = true,
     .returned = SCIM_RETURNED_ALWAYS, .references = REFERENCE_URI, .description = "The schemas of the resource."},
    {NAMED("id"), .case_exact = true, READ_ONLY, .returned = SCIM_RETURNED_ALWAYS, .uniqueness = SCIM_UNIQUE_SERVER,
     .description = "The identifier given by the server."},
    {NAMED("externalId"), .case_exact = true, .bytes_max = SCIM_EXTERNAL_ID_BYTES_MAX,
     .description = "The identifier given by the client."},
    {NAMED("meta"), SUBS(META_SUBS), READ_ONLY, .description = "What the server knows about the resource."},
};
const size_t SCIM_COMMON_ATTRIBUTE_COUNT = COUNT(SCIM_COMMON_ATTRIBUTES);

/* RFC 7643 section 4.1 and 8.7.1 */
static const struct scim_attribute NAME_SUBS[] = {
    {NAMED("formatted"), .description = "The full name, ready for display."},
    {NAMED("familyName"), .description = "The family name."},
    {NAMED("givenName"), .description = "The given name."},
    {NAMED("middleName"), .description = "The middle names."},
    {NAMED("honorificPrefix"), .description = "The honorific prefixes, such as \"Ms.\"."},
    {NAMED("honorificSuffix"), .description = "The honorific suffixes, such as \"III\"."},
};
static const struct scim_attribute EMAIL_SUBS[] = {
    {NAMED("value"), .bytes_max = SCIM_EMAIL_BYTES_MAX, .description = "The e-mail address."},
    DISPLAY,
    TYPE(CONTACT_TYPES),
    PRIMARY,
};
static const struct scim_attribute PHONE_SUBS[] = {VALUE("The telephone number."), DISPLAY, TYPE(PHONE_TYPES), PRIMARY};
static const struct scim_attribute IM_SUBS[] = {VALUE("The address."), DISPLAY, TYPE(IM_TYPES), PRIMARY};
static const struct scim_attribute PHOTO_SUBS[] = {
    {NAMED("value"), .type = SCIM_REFERENCE, .case_exact = true, .references = REFERENCE_EXTERNAL,
     .description = "The address of a picture of the user."},
    DISPLAY,
    TYPE(PHOTO_TYPES),
    PRIMARY,
};
static const struct scim_attribute ADDRESS_SUBS[] = {
    {NAMED("formatted"), .description = "The full address, ready for display or a label."},
    {NAMED("streetAddress"), .description = "Street, house number, post box."},
    {NAMED("locality"), .description = "The city."},
    {NAMED("region"), .description = "The state or region."},
    {NAMED("postalCode"), .description = "The postal code."},
    {NAMED("country"), .description = "The country, as an ISO 3166-1 alpha-2 code."},
    TYPE(CONTACT_TYPES),
    PRIMARY,
};
static const struct scim_attribute USER_GROUP_SUBS[] = {
    {NAMED("value"), .case_exact = true, READ_ONLY, .description = "The id of the group."},
    {NAMED("$ref"), .type = SCIM_REFERENCE, .case_exact = true, READ_ONLY, .references = REFERENCE_GROUP,
     .description = "The address of the group."},
    {NAMED("display"), READ_ONLY, .description = "The name of the group."},
    {NAMED("type"), READ_ONLY, .canonical = GROUP_TYPES, .description = "Whether the membership is direct."},
};
static const struct scim_attribute CERTIFICATE_SUBS[] = {
    {NAMED("value"), .type = SCIM_BINARY, .case_exact = true, .description = "One X.509 certificate, DER in base64."},
    DISPLAY,
    TYPE(NULL),
    PRIMARY,
};
static const struct scim_attribute ENTITLEMENT_SUBS[] = {VALUE("The id of the entitlement."), DISPLAY, TYPE(NULL),
                                                         PRIMARY};
static const struct scim_attribute ROLE_SUBS[] = {
    {NAMED("value"), .packed = true, .description = "The id of the role."},
    DISPLAY,
    TYPE(NULL),
    PRIMARY,
};

/* The last two are for apps that have roles. */
#define ROLE_ATTRIBUTES 2
static const struct scim_attribute USER_ATTRIBUTES[] = {
    {NAMED("userName"), .required = true, .strict = true, .printable = true, .uniqueness = SCIM_UNIQUE_SERVER,
     .bytes_max = SCIM_NAME_BYTES_MAX, .description = "The name by which the user signs in."},
    {NAMED("name"), SUBS(NAME_SUBS), .description = "The parts of the user's name."},
    {NAMED("displayName"), .description = "The name of the user, for display."},
    {NAMED("nickName"), .description = "The casual name of the user."},
    {NAMED("profileUrl"), .type = SCIM_REFERENCE, .references = REFERENCE_EXTERNAL,
     .description = "The address of the user's profile page."},
    {NAMED("title"), .description = "The user's title, such as \"Vice President\"."},
    {NAMED("userType"), .description = "The relation of the user to the organisation."},
    {NAMED("preferredLanguage"), .description = "The preferred written or spoken language."},
    {NAMED("locale"), .description = "The locale, for currency, dates and numbers."},
    {NAMED("timezone"), .description = "The time zone, such as \"Europe/Vienna\"."},
    {NAMED("active"), .type = SCIM_BOOLEAN, .strict = true, .description = "May the user use the application?"},
    {NAMED("password"), .case_exact = true, .discarded = true, .mutability = SCIM_WRITE_ONLY,
     .returned = SCIM_RETURNED_NEVER, .description = "Accepted and dropped."},
    {NAMED("emails"), SUBS(EMAIL_SUBS), .multi_valued = true, .description = "The e-mail addresses of the user."},
    {NAMED("phoneNumbers"), SUBS(PHONE_SUBS), .multi_valued = true, .description = "The telephone numbers."},
    {NAMED("ims"), SUBS(IM_SUBS), .multi_valued = true, .description = "The instant messaging addresses."},
    {NAMED("photos"), SUBS(PHOTO_SUBS), .multi_valued = true, .description = "The addresses of pictures of the user."},
    {NAMED("addresses"), SUBS(ADDRESS_SUBS), .multi_valued = true, .description = "The postal addresses."},
    {NAMED("groups"), SUBS(USER_GROUP_SUBS), .multi_valued = true, READ_ONLY,
     .description = "The groups to which the user belongs."},
    {NAMED("x509Certificates"), SUBS(CERTIFICATE_SUBS), .multi_valued = true,
     .description = "The user's certificates."},
    {NAMED("entitlements"), SUBS(ENTITLEMENT_SUBS), .multi_valued = true, .description = "The user's entitlements."},
    {NAMED("roles"), SUBS(ROLE_SUBS), .multi_valued = true, .description = "The user's roles."},
};

/* OneLogin's short form, the forms of SCIM 1.0 (scim-clients.md 6.2, 6.4) */
static const char *const CORE_ALIASES[] = {"urn:scim:schemas:core:2.0:User", "urn:scim:schemas:core:2.0",
                                           "urn:scim:schemas:core:1.0", "urn:ietf:params:scim:schemas:core:2.0", NULL};
static const char *const GROUP_ALIASES[] = {"urn:scim:schemas:core:2.0:Group", "urn:scim:schemas:core:2.0",
                                            "urn:scim:schemas:core:1.0", "urn:ietf:params:scim:schemas:core:2.0", NULL};
static const char *const ENTERPRISE_ALIASES[] = {
    "urn:scim:schemas:extension:enterprise:2.0:User", "urn:scim:schemas:extension:enterprise:2.0",
    "urn:scim:schemas:extension:enterprise:1.0", "urn:ietf:params:scim:schemas:extension:enterprise:2.0", NULL};

const struct scim_schema SCIM_SCHEMA_USER = {GW_STR_INIT(SCIM_URN_USER),
                                             GW_STR_INIT("User"),
                                             "User Account",
                                             USER_ATTRIBUTES,
                                             COUNT(USER_ATTRIBUTES) - ROLE_ATTRIBUTES,
                                             CORE_ALIASES};
const struct scim_schema SCIM_SCHEMA_USER_WITH_ROLES = {
    GW_STR_INIT(SCIM_URN_USER), GW_STR_INIT("User"), "User Account", USER_ATTRIBUTES,
    COUNT(USER_ATTRIBUTES),     CORE_ALIASES};

/* RFC 7643 section 4.3 */
static const struct scim_attribute MANAGER_SUBS[] = {
    {NAMED("value"), .case_exact = true, .description = "The id of the user's manager."},
    {NAMED("$ref"), .type = SCIM_REFERENCE, .case_exact = true, .references = REFERENCE_USER,
     .description = "The address of the manager."},
    {NAMED("displayName"), READ_ONLY, .description = "The name of the manager."},
};
static const struct scim_attribute ENTERPRISE_ATTRIBUTES[] = {
    {NAMED("employeeNumber"), .description = "The identifier the organisation gave the user."},
    {NAMED("costCenter"), .description = "The name of a cost centre."},
    {NAMED("organization"), .description = "The name of an organisation."},
    {NAMED("division"), .description = "The name of a division."},
    {NAMED("department"), .description = "The name of a department."},
    {NAMED("manager"), SUBS(MANAGER_SUBS), .description = "The user's manager."},
};
const struct scim_schema SCIM_SCHEMA_ENTERPRISE = {GW_STR_INIT(SCIM_URN_ENTERPRISE),
                                                   GW_STR_INIT("EnterpriseUser"),
                                                   "Enterprise User",
                                                   ENTERPRISE_ATTRIBUTES,
                                                   COUNT(ENTERPRISE_ATTRIBUTES),
                                                   ENTERPRISE_ALIASES};

/* RFC 7643 sections 4.2 and 8.7.1 (rule R13); type and $ref are shown as they follow from value, whatever came along */
static const struct scim_attribute MEMBER_SUBS[] = {
    {NAMED("value"), .required = true, .case_exact = true, .mutability = SCIM_IMMUTABLE,
     .bytes_max = SCIM_NAME_BYTES_MAX, .description = "The id of the member."},
    {NAMED("$ref"), .type = SCIM_REFERENCE, .case_exact = true, .mutability = SCIM_IMMUTABLE,
     .references = REFERENCE_MEMBER, .description = "The address of the member."},
    {NAMED("type"), .mutability = SCIM_IMMUTABLE, .canonical = REFERENCE_MEMBER,
     .description = "The resource type of the member."},
    {NAMED("display"), READ_ONLY, .description = "The name of the member."},
};
static const struct scim_attribute GROUP_ATTRIBUTES[] = {
    {NAMED("displayName"), .required = true, .bytes_max = SCIM_NAME_BYTES_MAX, .uniqueness = SCIM_UNIQUE_SERVER,
     .description = "The name of the group."},
    {NAMED("members"), SUBS(MEMBER_SUBS), .multi_valued = true, .values_max = SCIM_MEMBERS_MAX,
     .description = "The members of the group."},
};
const struct scim_schema SCIM_SCHEMA_GROUP = {
    GW_STR_INIT(SCIM_URN_GROUP), GW_STR_INIT("Group"), "Group", GROUP_ATTRIBUTES,
    COUNT(GROUP_ATTRIBUTES),     GROUP_ALIASES};

/* scim-clients.md 2: what Okta's governance discovers; defined by configuration, so nothing is writable */
static const struct scim_attribute ROLE_ATTRIBUTE_LIST[] = {
    {NAMED("displayName"), .required = true, READ_ONLY, .description = "The name of the role."},
    {NAMED("description"), READ_ONLY, .description = "What the role is for."},
};
static const struct scim_attribute ENTITLEMENT_ATTRIBUTE_LIST[] = {
    {NAMED("displayName"), .required = true, READ_ONLY, .description = "The name of the entitlement."},
    {NAMED("type"), .required = true, READ_ONLY, .description = "The name of its resource type."},
    {NAMED("description"), READ_ONLY, .description = "What the entitlement is for."},
};
const struct scim_schema SCIM_SCHEMA_ROLE = {GW_STR_INIT(SCIM_URN_ROLE), GW_STR_INIT("Role"),        "Role",
                                             ROLE_ATTRIBUTE_LIST,        COUNT(ROLE_ATTRIBUTE_LIST), NULL};
const struct scim_schema SCIM_SCHEMA_ENTITLEMENT = {
    GW_STR_INIT(SCIM_URN_ENTITLEMENT), GW_STR_INIT("Entitlement"),        "Entitlement",
    ENTITLEMENT_ATTRIBUTE_LIST,        COUNT(ENTITLEMENT_ATTRIBUTE_LIST), NULL};
