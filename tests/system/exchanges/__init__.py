"""Several hundred legitimate exchanges as data: what browsers, clients, frameworks and servers really send.

`TABLE` has them all; test_transparency_table.py sends each over every protocol, with provgate and without.
"""

from exchanges import answers, bodies, cookies, fields, targets
from exchanges.row import Row


def whole_table():
    """Every row, by a name of its own."""
    table = {}
    for family in (targets, cookies, fields, bodies, answers):
        for row in family.rows():
            if row.name in table:
                raise ValueError(f"two rows are named {row.name}")
            table[row.name] = row
    return table


TABLE = whole_table()

__all__ = ["Row", "TABLE"]
