#include "gateway/saml/saml_shape.h"

static struct gw_str only_text(const xmlNode *children)
{
    if (children == NULL || children->next != NULL || children->type != XML_TEXT_NODE || children->content == NULL)
        return GW_STR_NONE;
    return gw_str_from((const char *)children->content);
}

struct gw_str saml_node_text(const xmlNode *node)
{
    return only_text(node->children);
}

struct gw_str saml_node_attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next) {
        if (attribute->ns == NULL && strcmp((const char *)attribute->name, name) == 0)
            return attribute->children == NULL ? GW_STR("") : only_text(attribute->children);
    }
    return GW_STR_NONE;
}

bool saml_node_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *first_from(xmlNode *node, const char *name)
{
    while (node != NULL && !saml_node_is(node, name))
        node = node->next;
    return node;
}

xmlNode *saml_node_child(const xmlNode *node, const char *name)
{
    return node != NULL ? first_from(node->children, name) : NULL;
}

xmlNode *saml_node_next(const xmlNode *node, const char *name)
{
    return first_from(node->next, name);
}

struct saml_shown saml_shown(struct gw_str text)
{
    struct saml_shown shown;
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof shown.text - 1; i++)
        shown.text[len++] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?';
    shown.text[len] = '\0';
    return shown;
}
