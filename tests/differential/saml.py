#!/usr/bin/python3
"""N5: whenever our gate accepts a response, every independent reading of its name id is the gate's.

saml.py GATE [--count 10000] [--seed 1] [--node-modules DIR]    GATE is the program of gate.c

The shapes of tests/lab/saml_shapes.py are mutated: most before they are signed, so that the signature is right and
only the shape can be wrong, others after it. What the gate accepts is read by lxml (libxml2), by ElementTree and
minidom (expat), by a pattern over the text, and by node-saml when its modules are given. One reading that differs
fails the run.
"""

import argparse
import base64
import datetime
import html
import random
import re
import subprocess
import sys
import tempfile
import xml.dom.minidom
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lxml import etree  # noqa: E402

from lab import keys, saml, saml_shapes  # noqa: E402

HERE = Path(__file__).resolve().parent
NOW = datetime.datetime(2026, 11, 22, 3, 0, tzinfo=datetime.timezone.utc)
NAMES = ("alice@example.com", "bob@example.com", "admin", "o'neil+x@example.com", "00u1x")
SAML_NS = f"{{{saml.ASSERTION}}}"
MALLORY = "<{0}NameID{1}>mallory</{0}NameID>"
SNIPPETS = (
    "<!-- x -->", "<?x y?>", "<![CDATA[x]]>", " ", "\n", "\t", "&#10;", "&amp;", "&#97;", "&#x61;", "x", "\u00e9",
    "\u200b", "]]>", "&lt;", "<x/>", "<Subject/>", MALLORY.format("", ""), MALLORY.format("", ' xmlns="urn:other"'),
    MALLORY.format("saml2:", f' xmlns:saml2="{saml.ASSERTION}"'), MALLORY.format("x:", f' xmlns:x="{saml.ASSERTION}"'),
    f'<a:Subject xmlns:a="{saml.ASSERTION}"><a:NameID>mallory</a:NameID></a:Subject>',
    f'<a:Assertion xmlns:a="{saml.ASSERTION}"/>', f'<p:Extensions xmlns:p="{saml.PROTOCOL}"/>')
ATTRIBUTES = (
    ' xmlns="urn:other"', f' xmlns="{saml.ASSERTION}"', f' xmlns:saml2="{saml.PROTOCOL}"', ' xmlns:x="1"', ' x="1"',
    ' ID="id2"', ' xml:id="x"', ' xml:space="preserve"', ' Format="x"', f' xmlns:xs="{saml.XS}"',
    ' xml:base="http://x/"', ' xml:lang="en"')


def tags(text):
    """Where tags begin and end."""
    return [found.span() for found in re.finditer(r"<[^<>]*>", text)]


def insert_snippet(text, dice):
    """Something between two tags, or inside a text."""
    spot = dice.choice(tags(text))[1]
    return text[:spot] + dice.choice(SNIPPETS) + text[spot:]


def insert_in_name(text, dice):
    """Something inside the name id."""
    found = re.search(r"<[\w:]*NameID[^>]*>([^<]*)<", text)
    spot = dice.randint(*found.span(1)) if found else 0
    return text[:spot] + dice.choice(SNIPPETS) + text[spot:]


def insert_attribute(text, dice):
    """An attribute or a namespace at some element."""
    start, end = dice.choice([span for span in tags(text) if text[span[0] + 1] not in "/?!"])
    spot = end - (2 if text[end - 2] == "/" else 1)
    return text[:spot] + dice.choice(ATTRIBUTES) + text[spot:]


def element_at(text, dice):
    """The span of some element with all that is in it."""
    for _ in range(20):
        start, end = dice.choice(tags(text))
        name = re.match(r"<([\w:]+)", text[start:])
        if name and text[end - 2] == "/":
            return start, end
        if name and (close := text.find(f"</{name[1]}>", end)) > 0:
            return start, close + len(name[1]) + 3
    return 0, 0


def duplicate(text, dice):
    """An element twice."""
    start, end = element_at(text, dice)
    return text[:end] + text[start:end] + text[end:]


def remove(text, dice):
    """An element less."""
    start, end = element_at(text, dice)
    return text[:start] + text[end:]


def move(text, dice):
    """An element elsewhere."""
    start, end = element_at(text, dice)
    rest = text[:start] + text[end:]
    spot = dice.choice(tags(rest))[1] if tags(rest) else 0
    return rest[:spot] + text[start:end] + rest[spot:]


def change_byte(text, dice):
    """One character becomes another one of the document."""
    spot = dice.randrange(len(text))
    return text[:spot] + dice.choice(text) + text[spot + 1:]


def rename_prefix(text, dice):
    """Another prefix, everywhere or at one place."""
    prefix = dice.choice(("saml2", "saml2p", "saml", "samlp"))
    return text.replace(f"{prefix}:", "zz:", dice.choice((-1, 1))).replace(f"xmlns:{prefix}=", "xmlns:zz=")


MUTATIONS = (insert_snippet, insert_in_name, insert_in_name, insert_attribute, duplicate, remove, move, change_byte,
             rename_prefix)


def mutated(text, dice):
    """One to three mutations; a mutation that finds nothing to do leaves the text."""
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        try:
            text = dice.choice(MUTATIONS)(text, dice)
        except IndexError:
            pass  # no element is left to choose from
    return text


def make(number, pair, dice):
    """One mutant as bytes."""
    says = saml.Statement(
        name_id=dice.choice(NAMES), acs="https://wiki.example.com/saml/acs", audience="https://wiki.example.com",
        issuer="http://www.okta.com/exk1", attributes={"email": "e@example.com"}, issued=NOW,
        response_id=f"r{number}", assertion_id=f"a{number}")
    every = saml_shapes.shapes(says)
    name = dice.choice([name for name in every if name != "okta-thirty-attributes" or number % 50 == 0])
    shape = every[name]
    if dice.random() < 0.75:
        try:
            return saml.signed_text(mutated(shape.text, dice), pair, shape.signing)
        except Exception:  # pylint: disable=broad-except
            pass  # it cannot be signed any more: it goes as it would have been signed before
    text = saml.signed_text(shape.text, pair, shape.signing).decode()
    return mutated(text, dice).encode("utf-8", "surrogatepass")


def lxml_readings(xml):
    """By path, anywhere, and text with everything below it."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    found = [node for node in root.iter() if isinstance(node.tag, str) and etree.QName(node).localname == "NameID"]
    return [("lxml path", [node.text for node in root.findall(
        f"{SAML_NS}Assertion/{SAML_NS}Subject/{SAML_NS}NameID")]),
            ("lxml anywhere", [node.text for node in found]),
            ("lxml all text", ["".join(node.itertext()) for node in found])]


def readings(xml):
    """(name, all name ids that this reading finds)."""
    made = lxml_readings(xml)
    tree = xml_tree(xml)
    made.append(("ElementTree", [node.text for node in tree.iter() if node.tag.rpartition("}")[2] == "NameID"]))
    document = xml_document(xml)
    made.append(("minidom", ["".join(child.data for child in node.childNodes)
                             for node in document.getElementsByTagNameNS("*", "NameID")]))
    made.append(("pattern", [html.unescape(text) for text in re.findall(
        r"<(?:[\w.-]+:)?NameID(?:\s[^>]*)?>([^<]*)</", xml.decode())]))
    return made


def xml_tree(text):
    """By expat, as a tree."""
    return xml.etree.ElementTree.fromstring(text)


def xml_document(text):
    """By expat, as a document."""
    return xml.dom.minidom.parseString(text)


def told(command, lines):
    """One answer line for each input line."""
    done = subprocess.run(command, input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE, text=True,
                          check=True)
    answers = done.stdout.split("\n")[:-1]
    if len(answers) != len(lines):
        raise SystemExit(f"{command[0]}: {len(answers)} answers to {len(lines)} responses")
    return answers


def compare(accepted, gate_answers, node):
    """How many readings differ; each is shown."""
    differences = 0
    for xml_bytes, answer in zip(accepted, gate_answers):
        ours = answer[2:]
        for name, theirs in readings(xml_bytes):
            if theirs != [ours]:
                differences += 1
                print(f"{name} reads {theirs}, the gate {ours!r}:\n{xml_bytes.decode()}")
    refusals = Counter()
    for xml_bytes, answer, theirs in zip(accepted, gate_answers, node):
        if theirs.startswith("- "):
            refusals[theirs[2:]] += 1
        elif theirs != answer:
            differences += 1
            print(f"node-saml reads {theirs[2:]!r}, the gate {answer[2:]!r}:\n{xml_bytes.decode()}")
    return differences, refusals


def main():
    """Make, ask, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gate")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node-modules")
    args = parser.parse_args()
    dice, pair = random.Random(args.seed), keys.make("differential")
    now_ms = str(int(NOW.timestamp() * 1000))
    mutants = [make(number, pair, dice) for number in range(args.count)]
    with tempfile.TemporaryDirectory() as folder:
        certificate, _ = pair.write(folder, "idp")
        lines = [base64.b64encode(mutant).decode() for mutant in mutants]
        answers = told([args.gate, str(certificate), now_ms], lines)
        good = [number for number, answer in enumerate(answers) if answer.startswith("+ ")]
        node = []
        if args.node_modules:
            node = told(["node", str(HERE / "saml_reading.mjs"), str(Path(args.node_modules).resolve()),
                         str(certificate), now_ms], [lines[number] for number in good])
    differences, refusals = compare([mutants[number] for number in good], [answers[number] for number in good], node)
    print(f"seed {args.seed}: {args.count} mutants, the gate accepts {len(good)}; node-saml read "
          f"{len(node) - sum(refusals.values())}, refused {dict(refusals)}; {differences} readings differ")
    if not args.count // 20 < len(good) < args.count:
        print("too few or too many are accepted: this proves nothing")
        differences += 1
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
