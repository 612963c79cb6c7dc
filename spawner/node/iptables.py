"""What ``iptables-save`` said, held against the chains that should be there (pure).

Rules are compared with what was read back right after they were put in, not with the text that
was put in: versions and backends of iptables write the same rule in different words.
"""

from __future__ import annotations

from spawner.node.firewall import ENGINE_CHAIN, Chain

Tables = dict[str, list[str]]
"""Chain → its rules in order, without the leading ``-A CHAIN``."""


def parse(saved: str) -> Tables:
    """The filter table as ``iptables-save -t filter`` prints it."""
    tables: Tables = {}
    for line in saved.splitlines():
        if line.startswith(":"):
            tables.setdefault(line[1:].split()[0], [])
        elif line.startswith("-A "):
            _, chain, rule = line.split(" ", 2)
            tables.setdefault(chain, []).append(rule)
    return tables


def own(chains: tuple[Chain, ...], tables: Tables) -> Tables:
    """Our chains as they stand: the reference for later checks."""
    return {chain.name: tables.get(chain.name, []) for chain in chains}


def faults(chains: tuple[Chain, ...], tables: Tables, reference: Tables) -> list[str]:
    """What is not as it should be, in words for the log; empty if all is in place."""
    found = []
    for chain in chains:
        rules = tables.get(chain.name)
        if rules is None:
            found.append(f"chain {chain.name} is missing")
        elif len(rules) != len(chain.rules) or rules != reference.get(chain.name):
            found.append(f"chain {chain.name} was changed")
        if not _entered_first(chain, tables):
            found.append(f"{chain.parent} does not enter {chain.name} first")
    if _needs_engine_chain(chains) and f"-j {ENGINE_CHAIN}" not in tables.get("FORWARD", []):
        # Whoever took this took the engine's own rules too, and only its restart brings them back.
        found.append(
            f"FORWARD does not enter {ENGINE_CHAIN} (restart the engine for its own rules)"
        )
    return found


def restore_text(chains: tuple[Chain, ...], tables: Tables) -> str:
    """Input for ``iptables-restore --noflush``: one transaction that makes everything right.

    Naming a chain empties it first, so it is filled anew with no moment of half a rule list.
    """
    lines = ["*filter", *(f":{chain.name} - [0:0]" for chain in chains)]
    if _needs_engine_chain(chains):
        if ENGINE_CHAIN not in tables:
            lines.append(f":{ENGINE_CHAIN} - [0:0]")
        if f"-j {ENGINE_CHAIN}" not in tables.get("FORWARD", []):
            lines.append(f"-I FORWARD 1 -j {ENGINE_CHAIN}")
    for chain in chains:
        lines += [f"-A {chain.name} {rule}" for rule in chain.rules]
        if not _entered_first(chain, tables):
            jump = f"-j {chain.name}"
            lines += [f"-D {chain.parent} {jump}"] * tables.get(chain.parent, []).count(jump)
            lines.append(f"-I {chain.parent} 1 {jump}")
    return "\n".join([*lines, "COMMIT", ""])


def _needs_engine_chain(chains: tuple[Chain, ...]) -> bool:
    return any(chain.parent == ENGINE_CHAIN for chain in chains)


def _entered_first(chain: Chain, tables: Tables) -> bool:
    """Whether nothing decides before ``chain`` but other installations' chains of the same kind.

    Those speak of their own bridge only. Two installations that each insisted on the very first
    place would push one another away for ever.
    """
    for rule in tables.get(chain.parent, []):
        if rule == f"-j {chain.name}":
            return True
        if not rule.startswith("-j CARREL-"):
            return False
    return False
