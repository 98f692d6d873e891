"""How long the parts of `make soak` take: each can be shortened for a quick try."""

import os


def setting(name, default):
    """`SOAK_JOINS=500 make soak` makes a part of it smaller; CONTRIBUTING.md lists the names."""
    return int(os.environ.get(f"SOAK_{name}", default))
