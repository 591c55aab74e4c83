"""Plain values as YAML block text: just enough to write a configuration that a person can read."""

import json
import re

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*\Z")
NOT_PLAIN = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}


class Word(str):
    """A string that is written without quotes (on, off)."""


def scalar(value):
    """One scalar."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, str) and PLAIN.match(value) and value.lower() not in NOT_PLAIN:
        return value
    return json.dumps(value)


def block(value, indent=0):
    """Lines of a mapping, a list or a scalar."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                lines += [f"{pad}{key}:", *block(item, indent + 1)]
            else:
                lines.append(f"{pad}{key}: {scalar(item)}")
        return lines
    if isinstance(value, list):
        lines = []
        for item in value:
            inner = block(item, indent + 1)
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
        return lines
    return [pad + scalar(value)]


def dump(value):
    """The whole text."""
    return "\n".join(block(value)) + "\n"
