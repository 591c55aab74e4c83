"""The alterations that docs/sso.md prints, and no others: what app and client must see through provgate, made from
what they see without it. All heads are lists of raw lines without their ends."""

HOP = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings"}
FORWARDING = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port")
STRIPPED = {"remote-user", "x-remote-user", "x-forwarded-user", "x-real-ip", "x-forwarded-prefix", "forwarded",
            "x-original-url", "x-rewrite-url", "proxy", *map(str.lower, FORWARDING)}
NOT_DROPPED = {"cookie", "authorization"}  # of the fields in the table that a Connection field names


def name_of(line):
    """The field's name in lower case."""
    return line.partition(b":")[0].decode("latin-1").lower()


def value_of(line):
    """The field's value; blanks around it are no part of it (RFC 9110 section 5.5)."""
    return line.partition(b":")[2].strip(b" \t")


def plain_line(line):
    """Name, colon, one blank, value."""
    return line.partition(b":")[0] + b": " + value_of(line)


def lower_line(line):
    """As HTTP/2 spells it."""
    return name_of(line).encode("latin-1") + b": " + value_of(line)


def options_of(lines):
    """What the Connection fields name."""
    return {option.strip().lower() for line in lines if name_of(line) == "connection"
            for option in value_of(line).decode("latin-1").split(",")}


def is_stripped(line):
    """Is the name, in any spelling, one of those that only provgate may say?"""
    return name_of(line).replace("_", "-").replace(".", "-") in STRIPPED


def end_to_end(lines):
    """Lines that are not the connection's own."""
    named = options_of(lines) - NOT_DROPPED
    return [line for line in lines if name_of(line) not in HOP and name_of(line) not in named]


def forwarding_lines(scheme, host):
    """What provgate adds."""
    values = ("127.0.0.1", scheme, host, host.rpartition(":")[2])
    return [f"{name}: {value}".encode() for name, value in zip(FORWARDING, values)]


def request_lines(direct, scheme, host, is_http2):
    """The head that the app must see, made from the one that it sees without provgate."""
    fields = direct[1:]
    named, hop = options_of(fields), []
    asks_trailers = any(name_of(line) == "te" and b"trailers" in value_of(line) for line in fields)
    keeps_te = asks_trailers and (is_http2 or "te" in named)
    is_chunked = any(name_of(line) == "transfer-encoding" for line in fields)
    out = []
    for line in fields:
        if is_stripped(line):
            continue
        if name_of(line) == "te" and keeps_te:
            out.append(line.partition(b":")[0] + b": trailers")
        elif name_of(line) == "connection" and keeps_te and not hop:
            hop = [line.partition(b":")[0] + b": TE"]
            out += hop
        elif name_of(line) == "connection" and "upgrade" in named and not hop:
            hop = [line.partition(b":")[0] + b": Upgrade"]
            out += hop
        elif name_of(line) == "upgrade" and "upgrade" in named:
            out.append(plain_line(line))
        elif name_of(line) == "transfer-encoding" and not is_http2:
            out.append(plain_line(line))
        elif line in end_to_end(fields):
            out.append(plain_line(line))
    out += forwarding_lines(scheme, host)
    if is_http2:
        own = len(FORWARDING)
        hosts = [lower_line(line) for line in out if name_of(line) == "host"]
        out = hosts + [lower_line(line) for line in out[:-own] if name_of(line) != "host"] + out[-own:]
        out += [b"Connection: TE"] if keeps_te else []
        out += [b"Transfer-Encoding: chunked"] if is_chunked else []
    return [direct[0]] + out


def status_line(line):
    """Always of HTTP/1.1, always with the blank behind the status."""
    return b"HTTP/1.1 " + line.split(b" ", 1)[1] + (b" " if line.count(b" ") == 1 else b"")


def answer_lines(direct):
    """The head that the client must see over HTTP/1.1, without the lines of the connection itself."""
    kept = end_to_end(direct[1:])
    if direct[0].split(b" ")[1] == b"426":
        kept = [line for line in direct[1:] if line in kept or name_of(line) == "upgrade"]
    return [status_line(direct[0])] + [plain_line(line) for line in kept]


def answer_fields(direct):
    """The same as HTTP/2 has it: no reason, lower-case names, pairs."""
    pairs = [(b":status", direct[0].split(b" ")[1])]
    return pairs + [(name_of(line).encode("latin-1"), value_of(line)) for line in end_to_end(direct[1:])]
