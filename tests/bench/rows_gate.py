"""Row of the SAML gate: what one response costs, good and refused."""
import json
import os
import re
import subprocess

from measure import say
from peers import ROOT

CORPUS = os.path.join(ROOT, "tests", "system", "saml_corpus")
NOW_MS = "1795400000000"  # within the kept responses' time
LATER_MS = "9000000000000"


def variants(good):
    """Refused ones, made of a good one; by the name of the row."""
    assertion = re.search(r"<saml2:Assertion .*</saml2:Assertion>", good, re.S).group(0)
    value = re.search(r"<ds:SignatureValue>(.*?)</ds:SignatureValue>", good, re.S).group(1)
    attributes = " ".join(f'a{number}="x"' for number in range(20000))
    return {
        "another name": good.replace(">alice@", ">mally@", 1),
        "another key": good.replace(value, value[:50] + ("A" if value[50] != "A" else "B") + value[51:]),
        "two assertions": good.replace(assertion, assertion + assertion),
        "a document type": good.replace("?>", "?><!DOCTYPE x>", 1),
        "20,000 levels": "<a>" * 20000 + "</a>" * 20000,
        "20,000 attributes": f"<a {attributes}/>",
        "150 KB of one text": good.replace(">alice@", ">" + "x" * 140000 + "alice@", 1),
    }


def timed(options, now_ms, files):
    """Figures by path."""
    done = subprocess.run(
        [os.path.join(options.tools, "bench_saml_gate"), os.path.join(CORPUS, "idp.pem"), now_ms]
        + [str(options.seconds / 4), *files],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def bench_gate(options, folder, report):
    """microseconds of CPU time of the SAML gate per response: good ones by shape and size, refused ones by reason"""
    names = sorted(name for name in os.listdir(CORPUS) if name.endswith(".xml"))
    with open(os.path.join(CORPUS, "okta.xml")) as f:
        good = f.read()
    files = {os.path.join(CORPUS, name): name[:-4] for name in names}
    for number, (name, text) in enumerate(variants(good).items()):
        path = os.path.join(folder, f"{number}.xml")
        with open(path, "w") as f:
            f.write(text)
        files[path] = name
    figures = {files[path]: row for path, row in timed(options, NOW_MS, list(files)).items()}
    expired = timed(options, LATER_MS, [os.path.join(CORPUS, "okta.xml")])
    figures["expired"] = list(expired.values())[0]
    report["gate"] = figures
    say("\nThe SAML gate, one response, CPU time")
    for name, row in figures.items():
        say(f"  {name:24} {row['bytes']:7} bytes  {row['us']:9.1f} us  {row['verdict']}")
