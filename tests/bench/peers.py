"""The programs that the benchmarks start: an origin, provgate, and the peers it is compared with."""
import json
import os
import shutil
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BODY = "x" * 1024


def free_port():
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, seconds=15):
    """Waits until somebody accepts on the port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")


def answer_of(port, seconds=60):
    """Asks until there is an answer, every millisecond."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                s.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                if s.recv(16).startswith(b"HTTP/1.1 "):
                    return
        except OSError:
            pass
        time.sleep(0.001)
    raise RuntimeError(f"no answer on port {port}")


def copy_folder(source, target):
    """A copy with the same rights, on the disk; shared blocks where the file system can."""
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)
    subprocess.run(["sync", "--file-system", target], check=True)  # else the first commits wait for it


SCANNED_BYTES_MIN = 16 << 20  # a smaller store is checked before its faces open

running = []  # every peer that was started and not stopped


def stop_all():
    """Ends what is still running, the newest first; also after a failure."""
    for peer in reversed(list(running)):
        peer.stop()


class Peer:
    """A started program with a port; stop() ends it and whatever it started."""

    def __init__(self, name, argv, port, folder, env=None):
        self.name, self.port = name, port
        self.argv, self.folder, self.env = argv, folder, env
        self.spawn()
        wait_port(port)

    def spawn(self):
        """Starts it and does not wait."""
        self.log = open(os.path.join(self.folder, self.name + ".log"), "ab")
        self.log_begun = self.log.tell()
        self.process = subprocess.Popen(self.argv, stdout=self.log, stderr=self.log, env=self.env, cwd=self.folder)
        running.append(self)

    def stop(self):
        if self not in running:
            return
        running.remove(self)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def pids(self):
        """The process and its children."""
        found = [self.process.pid]
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                found += [int(p) for p in f.read().split()]
        except OSError:
            pass
        return found

    def cpu_seconds(self):
        """CPU time of the process and its children so far."""
        ticks = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def forget_peak(self):
        """From here on peak_kib counts anew."""
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/clear_refs", "w") as f:
                    f.write("5")
            except OSError:
                pass

    def peak_kib(self):
        """The most that the largest of the processes had resident."""
        peaks = []
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/status") as f:
                    peaks += [int(line.split()[1]) for line in f if line.startswith("VmHWM")]
            except OSError:
                pass
        return max(peaks, default=0)

    def private_kib(self):
        """Private memory of the process and its children: not what they map of files, which is the kernel's cache."""
        return sum(self.private_kib_each().values())

    def private_kib_each(self):
        """The same by process: its last argument or name, with a number when there are several."""
        found = {}
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/comm") as f:
                    name = f.read().strip()
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    sizes = {line.split(":")[0]: int(line.split()[1]) for line in f if line.endswith("kB\n")}
            except OSError:
                continue
            kib = min(sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Anonymous"])
            found[name if name not in found else f"{name} {len(found)}"] = kib
        return found


P256, RSA = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["rsa:2048"]


def certificate(folder, kind=P256):
    """A self-signed certificate for 127.0.0.1 and its key: two files."""
    paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "2"]
        + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", paths[1], "-out", paths[0]],
        check=True,
        capture_output=True,
    )
    os.chmod(paths[1], 0o600)
    return paths


def nginx(name, folder, workers, server, upstream="", tls=None):
    """An nginx with one server block on a free port."""
    listen = "ssl http2 " if tls else ""
    if tls:
        server = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]}; http2_max_concurrent_streams 128; " + server
    port = free_port()
    prefix = os.path.join(folder, name)
    os.makedirs(prefix, exist_ok=True)
    conf = os.path.join(prefix, "nginx.conf")
    with open(conf, "w") as f:
        f.write(
            f"""{"user root; " if os.getuid() == 0 else ""}daemon off; worker_processes {workers};
pid {prefix}/pid; error_log {prefix}/error.log crit;
worker_rlimit_nofile 20000; events {{ worker_connections 16384; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
 client_body_temp_path {prefix}/b; proxy_temp_path {prefix}/p; fastcgi_temp_path {prefix}/f;
 uwsgi_temp_path {prefix}/u; scgi_temp_path {prefix}/s;
 {upstream}
 server {{ listen 127.0.0.1:{port} {listen}backlog=4096; {server} }} }}
"""
        )
    return Peer(name, [shutil.which("nginx") or "/usr/sbin/nginx", "-p", prefix, "-c", conf], port, folder)


def origin(folder):
    """Answers 1 KiB to everything."""
    return nginx("origin", folder, 1, f'location / {{ default_type text/plain; return 200 "{BODY}"; }}')


def nginx_proxy(folder, origin_port, workers, tls=None, unbuffered=False, name=None):
    """nginx as a reverse proxy with a keep-alive pool; `unbuffered`: large bodies are not put on disk."""
    buffering = "client_max_body_size 0; proxy_buffering off; proxy_request_buffering off; " if unbuffered else ""
    return nginx(
        name or f"nginx{workers}",
        folder,
        workers,
        'location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; '
        + buffering
        + "proxy_pass http://app; }",
        f"upstream app {{ server 127.0.0.1:{origin_port}; keepalive 128; keepalive_requests 100000000; }}",
        tls,
    )


def h2o_proxy(folder, origin_port, workers, tls=None):
    """The h2o binary as a reverse proxy: the same library in other hands."""
    port = free_port()
    conf = os.path.join(folder, f"h2o{workers}.yaml")
    with open(conf, "w") as f:
        material = f"\n      ssl: {{certificate-file: {tls[0]}, key-file: {tls[1]}}}" if tls else ""
        f.write(
            f"""num-threads: {workers}
{"user: root" if os.getuid() == 0 else ""}
error-log: {folder}/h2o{workers}.log
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {port}{material}
    paths:
      /:
        proxy.reverse.url: http://127.0.0.1:{origin_port}/
        proxy.preserve-host: ON
"""
        )
    return Peer(f"h2o{workers}", ["/usr/bin/h2o", "-m", "worker", "-c", conf], port, folder)


def haproxy(folder, origin_port, threads, tls=None):
    """haproxy as a reverse proxy."""
    port = free_port()
    conf, material = os.path.join(folder, f"haproxy{threads}.cfg"), ""
    if tls:
        pem = os.path.join(folder, "haproxy.pem")
        with open(pem, "w") as f:
            f.write("".join(open(path).read() for path in tls))
        material = f" ssl crt {pem} alpn h2,http/1.1"
    with open(conf, "w") as f:
        f.write(
            f"""global
  nbthread {threads}
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}{material}
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:{origin_port}
"""
        )
    return Peer(f"haproxy{threads}", ["/usr/sbin/haproxy", "-f", conf], port, folder)


CONFIG = """store:
  path: {store}
  max_size: {max_gib}GiB
sso:
  listen:
    - address: 127.0.0.1:{sso}{tls}
  workers: {workers}
prov:
  listen:
    - address: 127.0.0.1:{prov}
admin:
  listen: 127.0.0.1:{admin}
  tokens_file: {folder}/admin-tokens
apps:
  - name: bench
    folder: staff
    sso:
      hosts: [127.0.0.1]
      external_url: {scheme}://127.0.0.1:{sso}
      upstream: {{url: "http://127.0.0.1:{origin}"}}
      identity:
        - {identity}
{cookies}
    prov:
      hosts: [127.0.0.1]
      base_path: /scim/v2
      tokens_file: {folder}/tokens
      enabled: true
"""


def tls_lines(tls):
    """What makes a listener speak TLS."""
    return f"\n      tls: {{certificate: {tls[0]}, key: {tls[1]}}}" if tls else ""


def second_listener(port, tls):
    """One more listener of the sso face, on the same workers."""
    return f"\n    - address: 127.0.0.1:{port}{tls_lines(tls)}" if tls else ""


class Provgate(Peer):
    """provgate with a fresh store, which is filled before the start: first `provisioned` users and their groups, as
    bench_load_users numbers them, then `sessions` of `users` who were seen signing in."""

    def __init__(
        self,
        name,
        folder,
        binary,
        tools,
        origin_port,
        workers,
        guard=True,
        users=0,
        sessions=0,
        tls=None,
        provisioned=0,
        max_gib=16,
        filled=None,
        identity="header: {name: X-Remote-User}",
        also_tls=None,
    ):
        self.binary, self.tools, self.max_gib = binary, tools, max_gib
        home = os.path.join(folder, name)
        os.makedirs(home)
        self.store = os.path.join(home, "store")
        self.prov_port, self.admin_port, port = free_port(), free_port(), free_port()
        self.tls_port = free_port() if also_tls else None
        cookies = "      session_cookies: [%s]" % ("bench_session" if guard else "another_session")
        self.config = os.path.join(home, "provgate.yaml")
        with open(self.config, "w") as f:
            f.write(
                CONFIG.format(
                    store=self.store,
                    sso=port,
                    prov=self.prov_port,
                    admin=self.admin_port,
                    folder=home,
                    workers=workers,
                    origin=origin_port,
                    cookies=cookies,
                    max_gib=max_gib,
                    identity=identity.replace("EXTERNAL_URL", f"http://127.0.0.1:{port}"),
                    scheme="https" if tls else "http",
                    tls=tls_lines(tls) + second_listener(self.tls_port, also_tls),
                )
            )
        self.command(binary, "init")
        self.token = self.command(binary, "token", "new", "--app", "bench", "--name", "bench").strip()
        self.fill = self.fill_store(provisioned, filled) if provisioned else None
        if sessions or users:
            subprocess.run(
                [
                    os.path.join(tools, "bench_load_store"),
                    self.store,
                    "staff",
                    "bench",
                    "bench_session",
                    str(users),
                    str(sessions),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        super().__init__(name, [binary, "run", "--config", self.config], port, home)
        wait_port(self.prov_port)
        wait_port(self.admin_port)

    def fill_store(self, users, kept_in):
        """Users and groups, from a store that was filled before where there is one. What the loader said."""
        kept = os.path.join(kept_in, f"users-{users}") if kept_in else None
        if not kept:
            return self.load_users("fill", users, users)
        if not os.path.exists(kept + ".json"):
            said = self.load_users("fill", users, users)
            copy_folder(self.store, kept)
            with open(kept + ".json", "w") as f:
                json.dump(said, f)
        shutil.rmtree(self.store)
        copy_folder(kept, self.store)
        with open(kept + ".json") as f:
            return json.load(f)

    def load_users(self, *words):
        """bench_load_users against this store, while provgate does not run; what it prints."""
        tool = os.path.join(self.tools, "bench_load_users")
        done = subprocess.run(
            [tool, self.store, str(self.max_gib), "staff", *map(str, words)],
            check=True,
            stdout=subprocess.PIPE,
        )
        return json.loads(done.stdout)

    def restart(self):
        """Seconds from the start of the program until both faces have answered a request."""
        self.stop()
        begun = time.monotonic()
        self.spawn()
        for port in (self.port, self.prov_port):
            answer_of(port)
        took = time.monotonic() - begun
        wait_port(self.admin_port)
        return took

    def wait_scanned(self, seconds):
        """Waits for the end of the scan that follows the start of a large store. False: not within `seconds`."""
        path, end = os.path.join(self.folder, self.name + ".log"), time.monotonic() + seconds
        is_scanned = os.stat(os.path.join(self.store, "data.mdb")).st_size <= SCANNED_BYTES_MIN
        while not is_scanned and time.monotonic() < end:
            time.sleep(0.5)
            with open(path, "rb") as log:
                log.seek(self.log_begun)
                is_scanned = b"every record is sound" in log.read()
        return is_scanned

    def command(self, binary, *words):
        """Runs `provgate WORDS --config ...`; its standard output."""
        done = subprocess.run([binary, *words, "--config", self.config], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"provgate {' '.join(words)}: {done.stderr}")
        return done.stdout


class Slapd(Peer):
    """OpenLDAP with the mdb back end, every write synced, and the indexes that the lookups need."""

    base, bind_dn, password = "dc=bench", "cn=admin,dc=bench", "bench"

    def __init__(self, folder, ldif=None, name="slapd"):
        """`ldif`: writes entries into a file, for slapadd; without it only the base is there."""
        home = os.path.join(folder, name)
        os.makedirs(os.path.join(home, "db"))
        port = free_port()
        conf = os.path.join(home, "slapd.conf")
        with open(conf, "w") as f:
            f.write(
                f"""include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {home}/pid
database mdb
suffix "{self.base}"
rootdn "{self.bind_dn}"
rootpw {self.password}
directory {home}/db
maxsize 34359738368
index objectClass eq
index uid eq
index mail eq
"""
            )
        self.uri = f"ldap://127.0.0.1:{port}"
        text = os.path.join(home, "base.ldif")
        with open(text, "w") as f:
            f.write(f"dn: {self.base}\nobjectClass: dcObject\nobjectClass: organization\no: bench\ndc: bench\n\n")
            if ldif:
                ldif(f, self.base)
        begun = time.monotonic()
        subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", conf, "-l", text], check=True, stdout=subprocess.DEVNULL
        )
        self.fill_seconds = time.monotonic() - begun
        os.unlink(text)
        super().__init__(name, ["/usr/sbin/slapd", "-d", "0", "-f", conf, "-h", self.uri], port, home)
