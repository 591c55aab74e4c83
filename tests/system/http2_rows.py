"""Heads and frames of HTTP/2 that break its rules, by the case numbers of the security page (B1 to B4).

In heads @HOST@ stands for the right host. A row of B4 is a function of an open connection that sends the breach; its
name begins with the section of RFC 9113.
"""

import struct

from lab.http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE,
                       PRIORITISED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame)

GOOD = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/probe"), (b":authority", b"@HOST@")]
POST = [(b":method", b"POST"), *GOOD[1:]]


def without(name):
    """A good head but for one field."""
    return [pair for pair in GOOD if pair[0] != name]


def changed(name, value):
    """A good head with another value."""
    return [(key, value if key == name else old) for key, old in GOOD]


def more(name, value):
    """A good head with one field more."""
    return GOOD + [(name, value)]


B1_NAMES = [b"Upper", b"A", b"a b", b" a", b"a:b", b"", b"a\0b", b"a\r\nb", b"a\nb", b"a(b", b"a@b", b"\xc3\xb6",
            b"a\tb",
            b"a=b", b"a\x7f", b"content_length", b"transfer_encoding", b"content.length"]
B1_VALUES = [b"a\rb", b"a\nb", b"a\0b", b"a\r\nx: y", b"\r\n\r\nGET / HTTP/1.1", b" lead", b"trail ", b"\ttab",
             b"a\x7fb",
             b"a\x01b", b"\n"]
B1_CONNECTION = [(b"connection", b"close"), (b"connection", b"x-hop"), (b"keep-alive", b"timeout=5"),
                 (b"proxy-connection", b"keep-alive"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"websocket"),
                 (b"te", b"gzip"), (b"te", b"trailers, deflate")]
B1 = {**{f"name {name}": more(name, b"x") for name in B1_NAMES},
      **{f"value {value}": more(b"x-a", value) for value in B1_VALUES},
      **{f"field {name} {value}": more(name, value) for name, value in B1_CONNECTION}}

B2_BODY = {"zero": [b"0"], "fifty": [b"50"], "four": [b"4"], "list": [b"5, 5"], "plus": [b"+5"], "minus": [b"-5"],
           "overflow": [b"18446744073709551621"], "twice": [b"5", b"5"], "two that differ": [b"5", b"6"],
           "empty": [b""],
           "hex": [b"0x5"], "leading zero": [b"05"], "word": [b"five"], "point": [b"5.0"], "inner blank": [b"5 5"]}

B3 = {
    "no method": without(b":method"), "no scheme": without(b":scheme"), "no path": without(b":path"),
    "no authority, no host": without(b":authority"), "nothing": [],
    **{f"{name} twice": more(name, value.replace(b"@HOST@", b"@HOST@")) for name, value in GOOD},
    "pseudo behind a field": [*GOOD[:3], (b"x-a", b"b"), GOOD[3]], "unknown pseudo": [(b":foo", b"x"), *GOOD],
    "protocol": [*GOOD, (b":protocol", b"websocket")], ":status": [(b":status", b"200"), *GOOD],
    "bare colon": [(b":", b"x"), *GOOD],
    "method empty": changed(b":method", b""), "method with a blank": changed(b":method", b"GET /x"),
    "method with a line": changed(b":method", b"GET / HTTP/1.1\r\nX: y\r\n\r\nGET"),
    "method no token": changed(b":method", b"G(T"),
    "CONNECT": changed(b":method", b"CONNECT"), "CONNECT alone": [(b":method", b"CONNECT"), (b":authority", b"@HOST@")],
    "path empty": changed(b":path", b""), "path with a blank": changed(b":path", b"/a b"),
    "path with a version": changed(b":path", b"/ HTTP/1.1\r\nX: y"), "path with a tab": changed(b":path", b"/a\tb"),
    "path with NUL": changed(b":path", b"/a\0b"), "path with a fragment": changed(b":path", b"/a#b"),
    "path without a slash": changed(b":path", b"probe"), "path absolute": changed(b":path", b"https://@HOST@/"),
    "path *": changed(b":path", b"*"), "scheme ftp": changed(b":scheme", b"ftp"),
    "scheme http": changed(b":scheme", b"http"),
    "scheme empty": changed(b":scheme", b""), "scheme with a line": changed(b":scheme", b"https\r\nx: y"),
    "authority empty": changed(b":authority", b""), "authority other": changed(b":authority", b"evil.example"),
    "authority userinfo": changed(b":authority", b"user@@HOST@"),
    "authority list": changed(b":authority", b"@HOST@, evil.example"),
    "authority path": changed(b":authority", b"@HOST@/x"), "authority line": changed(b":authority", b"@HOST@\r\nx: y"),
    "authority blank": changed(b":authority", b" @HOST@"), "host differs": more(b"host", b"evil.example"),
    "host twice": [*GOOD, (b"host", b"@HOST@"), (b"host", b"@HOST@")]}

GET = block([(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"x.example")])


def setting(key, value):
    """SETTINGS with one entry."""
    return frame(SETTINGS, 0, 0, struct.pack(">HI", key, value))


def number(value):
    """32 bits."""
    return struct.pack(">I", value)


B4_CONNECTION = {
    "4.2 DATA larger than a frame may be": frame(DATA, 0, 1, b"x" * 16385),
    "4.2 HEADERS larger than a frame may be": frame(HEADERS, END_HEADERS, 1, b"\0" * 16385),
    "4.2 an unknown frame larger than a frame may be": frame(0x99, 0, 1, b"x" * 16385),
    "4.3 an index of no table": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\x03"),
    "4.3 index 0": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"),
    "4.3 a literal that is cut": frame(HEADERS, END_HEADERS | END_STREAM, 1, GET[:-3]),
    "4.3 a table larger than allowed": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe1\xff\x03" + GET),
    "4.3 bad Huffman padding": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x81\x00\x81\x00"),
    "5.1 DATA on an idle stream": frame(DATA, 0, 1, b"x"),
    "5.1 RST_STREAM on an idle stream": frame(RST_STREAM, 0, 1, number(8)),
    "5.1 WINDOW_UPDATE on an idle stream": frame(WINDOW_UPDATE, 0, 1, number(1)),
    "5.1 CONTINUATION on an idle stream": frame(CONTINUATION, END_HEADERS, 1, GET),
    "5.1.1 an even stream": frame(HEADERS, END_HEADERS | END_STREAM, 2, GET),
    "5.5 an unknown frame inside a header block": frame(HEADERS, END_STREAM, 1, GET) + frame(0x99, 0, 0),
    "6.1 DATA on stream 0": frame(DATA, 0, 0, b"x"),
    "6.2 HEADERS on stream 0": frame(HEADERS, END_HEADERS | END_STREAM, 0, GET),
    "6.2 padding as long as the frame": frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + GET[:20]),
    "6.2 priority that is cut": frame(HEADERS, END_HEADERS | PRIORITISED, 1, b"\0\0\0"),
    "6.3 PRIORITY on stream 0": frame(PRIORITY, 0, 0, b"\0\0\0\1\1"),
    "6.4 RST_STREAM on stream 0": frame(RST_STREAM, 0, 0, number(8)),
    "6.4 RST_STREAM of three bytes": frame(HEADERS, END_HEADERS, 1, GET) + frame(RST_STREAM, 0, 1, b"\0\0\0"),
    "6.5 SETTINGS on a stream": frame(SETTINGS, 0, 1),
    "6.5 SETTINGS of five bytes": frame(SETTINGS, 0, 0, b"\0\0\0\0\0"),
    "6.5 an ACK with a payload": frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0"),
    "6.5.2 ENABLE_PUSH of 2": setting(2, 2), "6.5.2 INITIAL_WINDOW_SIZE too large": setting(4, 1 << 31),
    "6.5.2 MAX_FRAME_SIZE too small": setting(5, 16383), "6.5.2 MAX_FRAME_SIZE too large": setting(5, 1 << 24),
    "6.6 PUSH_PROMISE from a client": frame(HEADERS, END_HEADERS, 1, GET) + frame(PUSH_PROMISE, 4, 1, number(2) + GET),
    "6.7 PING on a stream": frame(PING, 0, 1, b"12345678"), "6.7 PING of seven bytes": frame(PING, 0, 0, b"1234567"),
    "6.8 GOAWAY on a stream": frame(GOAWAY, 0, 1, number(0) * 2),
    "6.8 GOAWAY that is cut": frame(GOAWAY, 0, 0, number(0)),
    "6.9 WINDOW_UPDATE of 0 for the connection": frame(WINDOW_UPDATE, 0, 0, number(0)),
    "6.9 WINDOW_UPDATE of three bytes": frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"),
    "6.9.1 the connection's window beyond its size": frame(WINDOW_UPDATE, 0, 0, number(0x7fffffff)),
    "6.10 CONTINUATION behind nothing": frame(CONTINUATION, END_HEADERS, 0, GET),
    "6.10 CONTINUATION behind a whole block": frame(HEADERS, END_HEADERS, 1, GET) + frame(CONTINUATION, END_HEADERS, 1,
                                                                                          GET),
    "6.10 CONTINUATION of another stream": frame(HEADERS, 0, 1, GET) + frame(CONTINUATION, END_HEADERS, 3, b""),
    "6.10 HEADERS inside a block": frame(HEADERS, 0, 1, GET) + frame(HEADERS, END_HEADERS, 3, GET),
    "6.10 PING inside a block": frame(HEADERS, 0, 1, GET) + frame(PING, 0, 0, b"12345678")}

B4_START = {"3.4 another preface": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
            "3.4 HTTP/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "3.4 no SETTINGS": PREFACE + frame(PING, 0, 0, b"12345678"), "3.4 junk": b"\x16\x03\x01" * 20,
            "3.4 HEADERS before SETTINGS": PREFACE + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET)}

# On stream 1, after a good request head without its end: the stream or the connection ends.
B4_STREAM = {
    "5.1 DATA behind the end": frame(DATA, END_STREAM, 1) + frame(DATA, 0, 1, b"x"),
    "5.1 HEADERS behind the end": frame(DATA, END_STREAM, 1) + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET),
    "5.1 DATA behind RST_STREAM": frame(RST_STREAM, 0, 1, number(8)) + frame(DATA, 0, 1, b"x"),
    "6.1 padding longer than the frame": frame(DATA, PADDED, 1, b"\x06hello"),
    "6.3 PRIORITY of four bytes": frame(PRIORITY, 0, 1, b"\0\0\0\0"),
    "6.9 WINDOW_UPDATE of 0": frame(WINDOW_UPDATE, 0, 1, number(0)),
    "6.9.1 the stream's window beyond its size": frame(WINDOW_UPDATE, 0, 1, number(0x7fffffff)) * 2,
    "8.1 trailers without an end": frame(HEADERS, END_HEADERS, 1, block([(b"x-t", b"1")])),
    "8.1 trailers with a pseudo field": frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(b":path", b"/x")])),
    "8.1 trailers that frame": frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(b"content-length", b"3")])),
    "8.1 trailers in capitals": frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(b"X-T", b"1")])),
    "8.1 trailers with a host": frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(b"host", b"x")]))}

B4_LEGAL = {
    "4.1 an unknown frame": frame(0x99, 0xff, 0, b"anything"),
    "4.1 reserved bit": frame(PING, 0, 0x80000000, b"12345678"),
    "5.1 PRIORITY of an idle stream": frame(PRIORITY, 0, 9, b"\0\0\0\0\1"),
    "6.5 empty SETTINGS": frame(SETTINGS, 0, 0), "6.5.2 an unknown setting": setting(0x99, 7),
    "6.7 PING": frame(PING, 0, 0, b"12345678"), "6.7 an ACK that nobody asked for": frame(PING, ACK, 0, b"12345678"),
    "6.5.2 a larger table": setting(1, 65536), "6.5.2 no table": setting(1, 0),
    "6.5.2 larger frames": setting(5, 1 << 20),
    "6.9 WINDOW_UPDATE": frame(WINDOW_UPDATE, 0, 0, number(100000))}
