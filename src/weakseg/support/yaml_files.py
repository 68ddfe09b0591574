"""YAML files of people, read so that a small one cannot stand for a huge one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import CollectionNode, Node

from weakseg.support.errors import DataError

MAX_REPEATED = 10_000
"""Values that the aliases of a file may stand for, all together."""


class _Loader(yaml.SafeLoader):
    """A safe loader that counts what aliases stand for, and expands none of it."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._sizes: dict[int, int] = {}  # values in a node, by its identity
        self._repeated = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Read a node, which may be an alias of an earlier one."""
        is_alias = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        if node is None or not is_alias:
            if node is not None:
                self._sizes[id(node)] = 1 + sum(map(self._size, _parts(node)))
            return node
        self._repeated += self._size(node)
        if self._repeated > MAX_REPEATED:
            raise yaml.composer.ComposerError(
                None,
                None,
                f"its aliases repeat more than {MAX_REPEATED:,} values; write out what is meant",
                mark,
            )
        return node

    def _size(self, node: Node) -> int:
        # A node that is not read to its end holds itself.
        return self._sizes.get(id(node), MAX_REPEATED + 1)


def _parts(node: Node) -> list[Node]:
    if not isinstance(node, CollectionNode):
        return []
    parts: list[Any] = list(node.value)
    return [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Args:
        path: The file, in UTF-8.

    Raises:
        DataError: It cannot be read, is no YAML, or repeats more than `MAX_REPEATED` values by
            aliases.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"is not readable as YAML ({error})", path=path) from error
