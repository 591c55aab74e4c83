"""Rows of the SSO face, beside nginx, haproxy and h2o."""
from measure import h2load, interleaved, measured, table, wrk
from peers import Provgate, certificate, h2o_proxy, haproxy, nginx_proxy, origin

STREAMS = 10  # at once on each HTTP/2 connection


def signed_in(peer, options, cookies):
    """GET / over 64 connections, each request with the cookie of one of so many sessions."""
    url = f"http://127.0.0.1:{peer.port}/"

    def run():
        return wrk(url, 64, options.seconds, "sso.lua", cookies, f"127.0.0.1:{peer.port}")

    def figures():
        return {**measured(peer, run), "private_kib": peer.private_kib()}

    return figures


def bench_sso(options, folder, report):
    """SSO face, HTTP/1.1 plain text, 64 connections, 1 KiB, guard on with 1M bound sessions."""
    app = origin(folder)
    peers = [app]
    for workers in (1, 2):
        gate = Provgate(
            f"provgate{workers}",
            folder,
            options.binary,
            options.tools,
            app.port,
            workers,
            users=100000,
            sessions=options.sessions,
        )
        others = [make(folder, app.port, workers) for make in (nginx_proxy, haproxy, h2o_proxy)]
        peers += [gate, *others]
        runs = {peer.name: signed_in(peer, options, 64) for peer in others}
        runs["provgate, 64 cookies"] = signed_in(gate, options, 64)
        runs["provgate, uniform over all"] = signed_in(gate, options, options.sessions)
        rows = interleaved(options.rounds, runs)
        report[f"sso_{workers}"] = rows
        table(
            f"SSO face, HTTP/1.1 plain, 64 connections, 1 KiB, {options.sessions} bound sessions, {workers} worker(s)",
            rows,
            others[0].name,
        )
    for peer in peers:
        peer.stop()


def bench_h2(options, folder, report):
    """SSO face, HTTP/2 over TLS, 64 connections of 10 streams, 1 KiB, guard on."""
    app, tls = origin(folder), certificate(folder)
    peers = [app]
    for workers in (1, 2):
        gate = Provgate(
            f"provgate{workers}",
            folder,
            options.binary,
            options.tools,
            app.port,
            workers,
            users=1000,
            sessions=options.sessions,
            tls=tls,
        )
        others = [make(folder, app.port, workers, tls) for make in (nginx_proxy, haproxy, h2o_proxy)]
        peers += [gate, *others]

        def run(peer):
            field = "cookie: theme=dark; bench_session=s" + "0" * 16
            url = f"https://127.0.0.1:{peer.port}/"
            return {
                **measured(peer, lambda: h2load(url, 64, STREAMS, options.seconds, field)),
                "private_kib": peer.private_kib(),
            }

        rows = interleaved(
            options.rounds, {peer.name: (lambda peer=peer: run(peer)) for peer in (*others, gate)}
        )
        report[f"h2_{workers}"] = rows
        title = f"SSO face, HTTP/2 over TLS, 64 connections x {STREAMS} streams, {workers} worker(s)"
        table(title, rows, others[0].name)
    for peer in peers:
        peer.stop()


def bench_guard(options, folder, report):
    """What the guard costs: the same build and requests, with their cookie known to it and with another one named."""
    app = origin(folder)
    on = Provgate(
        "guard_on",
        folder,
        options.binary,
        options.tools,
        app.port,
        1,
        users=100000,
        sessions=options.sessions,
    )
    off = Provgate("guard_off", folder, options.binary, options.tools, app.port, 1, guard=False)
    rows = interleaved(options.rounds, {peer.name: signed_in(peer, options, 64) for peer in (off, on)})
    report["guard"] = rows
    table("Cost of the guard (1 worker)", rows, "guard_off")
    for peer in (on, off, app):
        peer.stop()
