#include "gateway/saml/saml_shape.h"

#include "gateway/saml/saml.h"
#include "gateway/saml/saml_rules.h"

#define C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

static struct gw_str text_of(const xmlChar *chars)
{
    return gw_str_from((const char *)chars);
}

static enum gw_code refuse(struct gw_error *err, const char *what, const xmlChar *name)
{
    return gw_fail(err, GW_E_FORBIDDEN, "%s %s", what, saml_shown(text_of(name)).text);
}

static bool is_space(const xmlNs *ns, enum space space)
{
    if (ns == NULL || space == NONE)
        return ns == NULL && space == NONE;
    return ns->href != NULL && strcmp((const char *)ns->href, spaces[space]) == 0;
}

static bool is_element(const xmlNode *node, enum element element)
{
    return strcmp((const char *)node->name, elements[element].name) == 0 && is_space(node->ns, elements[element].space);
}

/* A relative or unknown namespace is how canonicalisation has been made to give nothing, or one name two meanings. */
static enum gw_code check_namespaces(const xmlNode *node, struct gw_error *err)
{
    for (const xmlNs *ns = node->nsDef; ns != NULL; ns = ns->next) {
        int space = SAML;
        while (space < SPACE_COUNT && !is_space(ns, (enum space)space))
            space++;
        if (space == SPACE_COUNT)
            return refuse(err, "a namespace that is not taken is declared at", node->name);
    }
    return GW_OK;
}

static bool is_single_text(const xmlNode *first)
{
    return first == NULL || (first->next == NULL && first->type == XML_TEXT_NODE);
}

static enum gw_code check_attributes(const xmlNode *node, enum element element, struct gw_error *err)
{
    bool seen[ATTRIBUTE_RULES] = {false};
    for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next) {
        size_t i = 0;
        while (i < ATTRIBUTE_RULES &&
               !(attributes[i].element == element && is_space(attribute->ns, attributes[i].space) &&
                 strcmp((const char *)attribute->name, attributes[i].name) == 0))
            i++;
        if (i == ATTRIBUTE_RULES || !is_single_text(attribute->children))
            return refuse(err, "an attribute that is not taken stands at", node->name);
        seen[i] = true;
    }
    for (size_t i = 0; i < ATTRIBUTE_RULES; i++) {
        if (attributes[i].element == element && attributes[i].required && !seen[i])
            return gw_fail(err, GW_E_FORBIDDEN, "%s has no %s", elements[element].name, attributes[i].name);
    }
    return GW_OK;
}

static bool is_blank_text(const xmlNode *node)
{
    const char *text = (const char *)node->content;
    return node->type == XML_TEXT_NODE && (text == NULL || text[strspn(text, " \t\r\n")] == '\0');
}

static enum gw_code check_element(const xmlNode *node, enum element element, struct gw_error *err);

static enum gw_code check_child(const xmlNode *child, enum element parent, int *counts, int *rank, struct gw_error *err)
{
    for (size_t i = 0; i < CHILD_RULES; i++) {
        if (children[i].parent != parent || !is_element(child, children[i].child))
            continue;
        if (children[i].rank < *rank || ++counts[i] > children[i].max)
            return refuse(err, "an element stands twice or out of order:", child->name);
        *rank = children[i].rank;
        return check_element(child, children[i].child, err);
    }
    if (strncmp((const char *)child->name, "Encrypted", 9) == 0)
        return refuse(err, "encryption is not supported, switch it off at the identity provider:", child->name);
    return refuse(err, "an element that is not taken there:", child->name);
}

static enum gw_code check_children(const xmlNode *node, enum element element, struct gw_error *err)
{
    int counts[CHILD_RULES] = {0};
    int rank = 0;
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            GW_TRY(check_child(child, element, counts, &rank, err));
        else if (!is_blank_text(child))
            return refuse(err, "something that is no element stands in", node->name);
    }
    for (size_t i = 0; i < CHILD_RULES; i++) {
        if (children[i].parent == element && counts[i] < children[i].min)
            return gw_fail(err, GW_E_FORBIDDEN, "%s has too few elements %s", elements[element].name,
                           elements[children[i].child].name);
    }
    return GW_OK;
}

/* As deep as saml_scan let the document be. */
static enum gw_code check_element(const xmlNode *node, enum element element, struct gw_error *err)
{
    GW_TRY(check_namespaces(node, err));
    GW_TRY(check_attributes(node, element, err));
    if (elements[element].content == TEXT)
        return is_single_text(node->children) ? GW_OK : refuse(err, "something that is not text stands in", node->name);
    if (elements[element].content == EMPTY && node->children != NULL &&
        !(node->children->next == NULL && is_blank_text(node->children)))
        return refuse(err, "something stands in", node->name);
    return elements[element].content == NODES ? check_children(node, element, err) : GW_OK;
}

static bool has_algorithm(const xmlNode *node, const char *first, const char *second)
{
    struct gw_str algorithm = saml_node_attribute(node, "Algorithm");
    return gw_str_eq(algorithm, gw_str_from(first)) || (second != NULL && gw_str_eq(algorithm, gw_str_from(second)));
}

static bool is_ecdsa(const xmlNode *method)
{
    return has_algorithm(method, MORE "ecdsa-sha256", MORE "ecdsa-sha512");
}

bool saml_signature_is_ec(const xmlNode *signature)
{
    return is_ecdsa(saml_node_child(saml_node_child(signature, "SignedInfo"), "SignatureMethod"));
}

static bool prefix_list_is_short(const xmlNode *parent)
{
    const xmlNode *inclusive = saml_node_child(parent, "InclusiveNamespaces");
    return inclusive == NULL || saml_node_attribute(inclusive, "PrefixList").len <= SAML_PREFIX_LIST_BYTES_MAX;
}

/* Security rules for signatures: pinned algorithms, one reference to the element that holds the signature. */
static enum gw_code check_signature(const xmlNode *signature, struct gw_str owner_id, struct gw_error *err)
{
    const xmlNode *info = saml_node_child(signature, "SignedInfo");
    const xmlNode *method = saml_node_child(info, "CanonicalizationMethod");
    const xmlNode *reference = saml_node_child(info, "Reference");
    const xmlNode *enveloped = saml_node_child(saml_node_child(reference, "Transforms"), "Transform");
    const xmlNode *c14n = saml_node_next(enveloped, "Transform");
    if (!has_algorithm(method, C14N, NULL) || !has_algorithm(enveloped, ENVELOPED, NULL) ||
        saml_node_child(enveloped, "InclusiveNamespaces") != NULL || !has_algorithm(c14n, C14N, NULL))
        return gw_fail(err, GW_E_FORBIDDEN, "the signature must use the enveloped and exclusive c14n transforms only");
    if (!prefix_list_is_short(method) || !prefix_list_is_short(c14n))
        return gw_fail(err, GW_E_FORBIDDEN, "an InclusiveNamespaces list is too long");
    const xmlNode *signing = saml_node_child(info, "SignatureMethod");
    if (!has_algorithm(signing, MORE "rsa-sha256", MORE "rsa-sha512") && !is_ecdsa(signing))
        return gw_fail(err, GW_E_FORBIDDEN, "the signature method must be RSA or ECDSA with SHA-256 or SHA-512");
    if (!has_algorithm(saml_node_child(reference, "DigestMethod"), "http://www.w3.org/2001/04/xmlenc#sha256",
                       "http://www.w3.org/2001/04/xmlenc#sha512"))
        return gw_fail(err, GW_E_FORBIDDEN, "the digest method must be SHA-256 or SHA-512");
    struct gw_str uri = saml_node_attribute(reference, "URI");
    if (uri.len < 2 || uri.ptr[0] != '#' || !gw_str_eq(gw_str_from_pos(uri, 1), owner_id))
        return gw_fail(err, GW_E_FORBIDDEN, "a signature refers to another element than the one that holds it");
    return GW_OK;
}

/* xmlsec puts the id into an XPointer, so nothing but plain name bytes may be in it. */
static bool is_plain_id(struct gw_str id)
{
    if (id.len == 0 || id.len > SAML_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool later = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!letter && !(later && i > 0))
            return false;
    }
    return true;
}

static enum gw_code check_ids(const struct saml_tree *tree, struct gw_error *err)
{
    struct gw_str response_id = saml_node_attribute(tree->response, "ID");
    struct gw_str assertion_id = tree->assertion != NULL ? saml_node_attribute(tree->assertion, "ID") : GW_STR("a");
    if (!is_plain_id(response_id) || !is_plain_id(assertion_id))
        return gw_fail(err, GW_E_FORBIDDEN, "an ID is not a plain name");
    if (tree->assertion != NULL && gw_str_eq(response_id, assertion_id))
        return gw_fail(err, GW_E_FORBIDDEN, "Response and Assertion have the same ID");
    if (tree->response_signature != NULL)
        GW_TRY(check_signature(tree->response_signature, response_id, err));
    if (tree->assertion_signature != NULL)
        GW_TRY(check_signature(tree->assertion_signature, assertion_id, err));
    return GW_OK;
}

static enum gw_code check_name_id(const xmlNode *name_id, struct gw_error *err)
{
    struct gw_str text = saml_node_text(name_id);
    if (text.len == 0 || text.len > SAML_NAME_ID_MAX)
        return gw_fail(err, GW_E_FORBIDDEN, "the NameID must have 1 to %d bytes", SAML_NAME_ID_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e)
            return gw_fail(err, GW_E_FORBIDDEN, "the NameID has a blank or a character that is not ASCII");
    }
    return GW_OK;
}

static struct saml_tree places(xmlNode *response)
{
    xmlNode *assertion = saml_node_child(response, "Assertion");
    xmlNode *subject = saml_node_child(assertion, "Subject");
    xmlNode *confirmation = saml_node_child(subject, "SubjectConfirmation");
    return (struct saml_tree){
        .response = response,
        .response_issuer = saml_node_child(response, "Issuer"),
        .response_signature = saml_node_child(response, "Signature"),
        .status_code = saml_node_child(saml_node_child(response, "Status"), "StatusCode"),
        .assertion = assertion,
        .assertion_issuer = saml_node_child(assertion, "Issuer"),
        .assertion_signature = saml_node_child(assertion, "Signature"),
        .name_id = saml_node_child(subject, "NameID"),
        .confirmation = confirmation,
        .confirmation_data = saml_node_child(confirmation, "SubjectConfirmationData"),
        .conditions = saml_node_child(assertion, "Conditions"),
        .authn_statement = saml_node_child(assertion, "AuthnStatement"),
    };
}

enum gw_code saml_shape_check(xmlDoc *doc, struct saml_tree *ret_tree, struct gw_error *err)
{
    xmlNode *root = xmlDocGetRootElement(doc);
    if (root == NULL || doc->children != root || root->next != NULL || doc->intSubset != NULL || doc->extSubset != NULL)
        return gw_fail(err, GW_E_FORBIDDEN, "the document is more than one element");
    if (!is_element(root, RESPONSE))
        return refuse(err, "the document is not a SAML 2.0 Response but", root->name);
    GW_TRY(check_element(root, RESPONSE, err));
    *ret_tree = places(root);
    GW_TRY(check_ids(ret_tree, err));
    return ret_tree->assertion != NULL ? check_name_id(ret_tree->name_id, err) : GW_OK;
}
