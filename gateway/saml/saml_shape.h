/* saml_shape: the one shape of a response that is taken, and the places in it that are read.
 *
 * Everything that is not in the tables of saml_shape.c is refused: elements, attributes, namespaces, algorithms, an
 * order other than the schema's, comments and the like, a second Assertion, text where none belongs. So no part of an
 * accepted response can be taken for another by the app. Private to the saml files; any thread, a tree of the caller.
 */
#pragma once

#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <libxml/tree.h>

#define SAML_PREFIX_LIST_BYTES_MAX 256 /* of InclusiveNamespaces: its cost is elements times prefixes */
#define SAML_ID_BYTES_MAX 256

struct saml_tree {
    xmlNode *response;
    xmlNode *response_issuer;    /* or NULL */
    xmlNode *response_signature; /* or NULL; one of the two signatures is there when there is an assertion */
    xmlNode *status_code;
    xmlNode *assertion; /* or NULL: what providers send when they refuse; then all below is NULL */
    xmlNode *assertion_issuer;
    xmlNode *assertion_signature; /* or NULL */
    xmlNode *name_id;
    xmlNode *confirmation;      /* or NULL */
    xmlNode *confirmation_data; /* or NULL */
    xmlNode *conditions;        /* or NULL */
    xmlNode *authn_statement;
};

/* GW_E_FORBIDDEN with what is wrong. Results borrow from the tree. */
GW_MUST_CHECK enum gw_code saml_shape_check(xmlDoc *doc, struct saml_tree *ret_tree, struct gw_error *err);

/* The text of a text-only element; ptr NULL when it has none. */
struct gw_str saml_node_text(const xmlNode *node);
/* The value of an attribute without namespace; ptr NULL when it is not there. */
struct gw_str saml_node_attribute(const xmlNode *node, const char *name);
xmlNode *saml_node_child(const xmlNode *node, const char *name); /* the first child element of that name, or NULL */
xmlNode *saml_node_next(const xmlNode *node, const char *name);  /* the next sibling element of that name, or NULL */
/* Of a signature that the shape took: ECDSA, else RSA. */
bool saml_signature_is_ec(const xmlNode *signature);
bool saml_node_is(const xmlNode *node, const char *name); /* an element of that local name */

/* Text of an outsider as it may stand in a message: short and printable. */
struct saml_shown {
    char text[100];
};
struct saml_shown saml_shown(struct gw_str text);
