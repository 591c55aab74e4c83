#!/usr/bin/python3
"""What the compiler cannot say: who includes whom, which folder is the door of which library, sizes, banned calls.

lint.py [ROOT]     one offence a line, FILE:LINE: reason; exit 1 when there is any. Standard library only.
"""

import re
import sys
from pathlib import Path

LINE_BYTES_MAX = 120
FUNCTION_LINES_MAX = 70
NESTING_MAX = 4
FILE_LINES_MAX = 500
SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__"}

# A module may include itself and the floors below. The first match wins; handlers are no floor of their own.
FLOORS = [
    ("gateway/base/", 0),
    ("gateway/json/", 1), ("gateway/net/", 1), ("gateway/fetch/", 1), ("store/", 1),
    ("gateway/saml/", 1), ("gateway/cookie/", 1),
    ("gateway/http/", 1.5), ("gateway/jwt/", 1.5),
    ("routes/scim/handlers/", 4),
    ("config/", 2), ("routes/scim/", 2),
    ("gateway/sso/", 3), ("gateway/deliver/", 3),
    ("routes/", 4),
    ("gateway/command/", 5),
    ("gateway/", 6),
]

# Each foreign library has one door.
DOORS = [
    (r"lmdb\.h", "store/"),
    (r"yajl/", "gateway/json/"),
    (r"yaml\.h", "config/"),
    (r"(libxml|libxslt|xmlsec)/", "gateway/saml/"),
    (r"(h2o\.h|h2o/|picohttpparser)", "gateway/net/"),
    (r"nghttp2/", "gateway/http/"),
    (r"openssl/ssl\.h", "gateway/net/"),
    (r"curl/", "gateway/fetch/"),
    (r"(uni(case|ctype|norm|str|type|gbrk)\.h|libdeflate\.h)", "gateway/base/"),
    (r"cmocka\.h", "tests/"),
]

BANNED = [
    (re.compile(r"\b(strcpy|stpcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat)\s*\("),
     "use gw_str, gw_buf or snprintf"),
    (re.compile(r"\b(atoi|atol|atoll|atof)\s*\("), "use gw_str_to_u64"),
    (re.compile(r"\b(strtok|strtok_r)\s*\("), "use gw_str_split"),
    (re.compile(r"\b(alloca|system|popen|tmpnam|mktemp|gmtime|localtime|ctime|rand|srand)\s*\("), "not safe here"),
    (re.compile(r"\b(memcmp|strcmp|strncmp|strcasecmp)\s*\([^;]*(token|secret|digest|password)(?!\w*_file)", re.I),
     "secrets are compared with gw_secret_eq"),
]
ALLOCATION = re.compile(r"(?<![\w.>])(malloc|calloc|realloc)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
CONTROL = re.compile(r"^( *)(?:\} else )?(?:if|for|while|switch|do)\b")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
TEST_FUNCTION = re.compile(r"^static void (\w+)\(void \*\*state\)$")
PAGE_PATH = re.compile(r"`((?:gateway|store|config|routes|tests|docs)/[\w./*-]+|\w+\.[ch])`")
PAGE_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PYTHON_TEST = re.compile(r"^( *)def (test_\w+)\(")


class Lint:
    """Collects the offences."""

    def __init__(self, root):
        self.root = root
        self.offences = []
        self.files = 0

    def say(self, name, line, reason):
        """One offence."""
        self.offences.append(f"{name}:{line}: {reason}")

    def run(self):
        """Walk the tree; the offences."""
        for path in sorted(self.paths(self.root)):
            name = path.relative_to(self.root).as_posix()
            lines = path.read_text(encoding="utf-8").splitlines()
            self.files += 1
            self.check_text(name, lines)
            if path.suffix == ".md":
                self.check_page(name, lines)
            elif path.suffix in (".c", ".h"):
                self.check_c(name, lines)
            elif path.suffix == ".py":
                self.check_python(name, lines)
        return self.offences

    def paths(self, folder):
        """Every file that people write."""
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name not in SKIPPED_FOLDERS and not path.name.startswith("build"):
                    yield from self.paths(path)
            elif path.suffix in (".c", ".h", ".py", ".sh", ".md") or path.name in ("dev", "CMakeLists.txt"):
                yield path

    def check_text(self, name, lines):
        """Of every language."""
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_BYTES_MAX and not name.endswith(".md"):
                self.say(name, number, f"longer than {LINE_BYTES_MAX} characters")
            if line != line.rstrip():
                self.say(name, number, "blanks at the end")
            if UNFINISHED.search(line) and name != "tests/lint/lint.py":
                self.say(name, number, "unfinished work is not left in the tree")

    def check_c(self, name, lines):
        """Of C."""
        self.check_includes(name, lines)
        self.check_functions(name, lines)
        is_product = not name.startswith("tests/")
        if is_product:
            self.check_calls(name, lines)
            if len(lines) > FILE_LINES_MAX:
                self.say(name, len(lines), f"more than {FILE_LINES_MAX} lines; split it")
        if name.endswith(".h"):
            self.check_header(name, lines)

    def check_header(self, name, lines):
        """A comment that says what it is for, and #pragma once."""
        if not lines or not lines[0].startswith("/*"):
            self.say(name, 1, "a header starts with a comment that says what it is for")
        if "#pragma once" not in lines:
            self.say(name, 1, "has no #pragma once")

    def check_includes(self, name, lines):
        """Direction, doors, and that names are written from the root."""
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            bracket, target = match.groups()
            if bracket == "<":
                self.check_door(name, number, target)
            elif not (self.root / target).is_file():
                self.say(name, number, f'"{target}" is not a file; includes are written from the root')
            else:
                self.check_floor(name, number, target)

    def check_door(self, name, number, target):
        """A foreign library is included in its own folder only; tests may look at anything."""
        for pattern, folder in DOORS:
            if re.match(pattern, target) and not name.startswith((folder, "tests/")):
                self.say(name, number, f"<{target}> is included in {folder} only")

    def check_floor(self, name, number, target):
        """From the floor up."""
        if name.startswith("tests/"):
            return
        if target.startswith("tests/"):
            self.say(name, number, f'"{target}" belongs to the tests')
            return
        own, own_floor = floor_of(name)
        other, other_floor = floor_of(target)
        own, other = (module.replace("routes/scim/handlers/", "routes/") for module in (own, other))
        if other_floor > own_floor:
            self.say(name, number, f'"{target}" is above: {own} is floor {own_floor}, {other} is floor {other_floor}')
        elif other_floor == own_floor and other != own:
            self.say(name, number, f'"{target}" is beside: {own} and {other} are on one floor')

    def check_functions(self, name, lines):
        """Length and nesting; no test without a statement."""
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start is not None:
                self.check_function(name, lines, start, number)
                start = None

    def check_function(self, name, lines, start, end):
        """Lines `start` ("{") to `end` ("}")."""
        if end - start + 1 > FUNCTION_LINES_MAX:
            self.say(name, start, f"a function of {end - start + 1} lines; at most {FUNCTION_LINES_MAX}")
        for number in range(start + 1, end):
            match = CONTROL.match(lines[number - 1])
            if match is not None and len(match.group(1)) // 4 > NESTING_MAX:
                self.say(name, number, f"nested more than {NESTING_MAX} deep")
        match = TEST_FUNCTION.match(lines[start - 2])
        body = [line.strip() for line in lines[start:end - 1]]
        if match is not None and not [line for line in body if line and line != "(void)state;"]:
            self.say(name, start, f"the test {match.group(1)} is empty")

    def check_calls(self, name, lines):
        """What is replaced by something of ours."""
        for number, line in enumerate(lines, 1):
            code = STRING.sub('""', line).split("//")[0]
            if code.lstrip().startswith(("*", "/*")):
                continue
            for pattern, instead in BANNED:
                match = pattern.search(code)
                if match is not None:
                    self.say(name, number, f"{match.group(1)}: {instead}")
            if not name.startswith("gateway/base/") and ALLOCATION.search(code):
                self.say(name, number, "memory comes from gw_alloc, gw_realloc or an arena")

    def check_page(self, name, lines):
        """What a page names is there, and the page of decisions names them all."""
        for number, line in enumerate(lines, 1):
            for path in PAGE_PATH.findall(line):
                if not any(True for _ in self.root.glob(path if "/" in path else f"*/**/{path}")):
                    self.say(name, number, f"{path} is not there")
            for target in PAGE_LINK.findall(line):
                if not (self.root / name).parent.joinpath(target).exists():
                    self.say(name, number, f"the link to {target} leads nowhere")
        if name == "docs/decisions/README.md":
            for path in sorted((self.root / name).parent.glob("[0-9]*.md")):
                if path.name not in "\n".join(lines):
                    self.say(name, 1, f"{path.name} is not listed")

    def check_python(self, name, lines):
        """No test without a statement."""
        for number, line in enumerate(lines, 1):
            match = PYTHON_TEST.match(line)
            if match is None or not name.startswith("tests/"):
                continue
            statement = next((text.strip() for text in lines[number:]
                              if text.strip() and not text.strip().startswith(('"""', "#"))), "pass")
            if statement in ("pass", "..."):
                self.say(name, number, f"the test {match.group(2)} is empty")


def floor_of(name):
    """(folder, floor) of a file."""
    for folder, floor in FLOORS:
        if name.startswith(folder):
            return folder, floor
    return name, max(floor for _, floor in FLOORS)


def main():
    """Print and judge."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    if len(sys.argv) < 2:
        root = root.parents[2]
    lint = Lint(root)
    offences = lint.run()
    for offence in offences:
        print(offence)
    print(f"lint: {lint.files} files, {len(offences)} offences")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
