"""Forged responses: signature wrapping (XSW) and its relatives, made of one genuine signed response by cutting text."""

CLOSE = "</saml2:Assertion>"
SUBJECT = "<saml2:Subject>"


def cut(text, start, end):
    """From the first `start` to the last `end`, both in."""
    return text[text.index(start):text.rindex(end) + len(end)]


def first(text, start, end):
    """From the first `start` to the first `end` behind it, both in."""
    begin = text.index(start)
    return text[begin:text.index(end, begin) + len(end)]


def wrapped_assertions(text, user, evil_user):
    """A genuine response whose assertion is signed; an unsigned one beside, around and inside it. By name."""
    genuine = cut(text, "<saml2:Assertion ", CLOSE)
    signature = first(genuine, "<ds:Signature ", "</ds:Signature>")
    bare = genuine.replace(signature, "")
    ident = bare.partition(' ID="')[2].partition('"')[0]
    evil = bare.replace(user, evil_user).replace(ident, "evil")
    evil_open = evil[:-len(CLOSE)]

    def with_(other):
        return text.replace(genuine, other)

    def in_signature(inner):
        return signature.replace("</ds:Signature>", f"<ds:Object>{inner}</ds:Object></ds:Signature>")

    return {
        "XSW3 evil first": with_(evil + genuine), "XSW3 evil last": with_(genuine + evil),
        "XSW4 genuine inside evil": with_(evil_open + genuine + CLOSE),
        "XSW5 evil with the signature, genuine last": with_(evil.replace(SUBJECT, signature + SUBJECT) + bare),
        "XSW6 genuine inside the signature of evil": with_(evil.replace(SUBJECT, in_signature(bare) + SUBJECT)),
        "XSW7 evil in Extensions": with_(f"<saml2p:Extensions>{evil}</saml2p:Extensions>{genuine}"),
        "XSW8 genuine in an Object": with_(evil.replace(SUBJECT, in_signature(genuine) + SUBJECT)),
        "evil with the signature alone": with_(evil.replace(SUBJECT, signature + SUBJECT)),
        "genuine in Extensions": with_(f"<saml2p:Extensions>{genuine}</saml2p:Extensions>{evil}"),
        "genuine in StatusDetail": with_(evil).replace(
            "</saml2p:Status>", f"<saml2p:StatusDetail>{genuine}</saml2p:StatusDetail></saml2p:Status>"),
        "genuine in an attribute value": with_(evil.replace("</saml2:AttributeValue>",
                                                            genuine + "</saml2:AttributeValue>", 1)),
        "genuine in Advice": with_(evil.replace("<saml2:AuthnStatement",
                                                f"<saml2:Advice>{genuine}</saml2:Advice><saml2:AuthnStatement")),
        "same ID twice": with_(evil.replace('"evil"', f'"{ident}"') + genuine),
        "second subject": with_(genuine.replace(SUBJECT, f"{SUBJECT}<saml2:NameID>{evil_user}</saml2:NameID>"
                                                         f"</saml2:Subject>{SUBJECT}")),
        "changed name": text.replace(f">{user}</saml2:NameID>", f">{evil_user}</saml2:NameID>"),
    }


def wrapped_responses(text, user, evil_user):
    """The same for a response that is signed itself."""
    root = cut(text, "<saml2p:Response ", "</saml2p:Response>")
    signature = first(root, "<ds:Signature ", "</ds:Signature>")
    bare = root.replace(signature, "")
    ident = bare.partition(' ID="')[2].partition('"')[0]
    evil = root.replace(user, evil_user).replace(f' ID="{ident}"', ' ID="evil"')

    def in_signature(inner):
        return signature.replace("</ds:Signature>", f"<ds:Object>{inner}</ds:Object></ds:Signature>")

    return {
        "XSW1 genuine in the signature": evil.replace(signature, in_signature(bare)),
        "XSW1 genuine with its signature in the signature": evil.replace(signature, in_signature(root)),
        "XSW2 genuine before the signature": evil.replace(signature, bare + signature),
        "XSW2 genuine behind the signature": evil.replace(signature, signature + bare),
        "genuine as Extensions": evil.replace(signature, f"{signature}<saml2p:Extensions>{root}</saml2p:Extensions>"),
        "evil keeps the signature": evil, "two documents": root + evil,
        "genuine below evil": f'<saml2p:Response xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol">{root}'
                              f'</saml2p:Response>',
        "changed name": text.replace(user, evil_user),
    }
