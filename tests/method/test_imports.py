"""The method stands alone: it imports torch, and takes label values as arguments."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import weakseg.method
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.method import majority_label, segment_pixels

MODULES = sorted(Path(weakseg.method.__file__).parent.glob("**/*.py"))
ALLOWED = {"torch", *sys.stdlib_module_names}


def foreign_imports(source: str) -> list[str]:
    """List what a module of `weakseg.method` imports beyond torch, the standard library, itself."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." * node.level + (node.module or ""))
    return [name for name in names if not _is_allowed(name)]


def _is_allowed(name: str) -> bool:
    return name.split(".")[0] in ALLOWED or name.startswith("weakseg.method.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_method_imports_torch_alone(path):
    assert foreign_imports(path.read_text(encoding="utf-8")) == []


def test_foreign_imports_are_found_at_any_depth():
    source = (
        "import numpy as np\ndef f():\n    from weakseg.marks import kinds\n    from . import x"
    )
    assert foreign_imports(source) == ["numpy", "weakseg.marks", "."]
    assert foreign_imports("import math, torch.nn\nfrom weakseg.method.kmeans import x") == []


@pytest.mark.parametrize(
    ("function", "argument", "value"),
    [(segment_pixels, "ignore_index", VOID), (majority_label, "unlabelled", UNLABELLED)],
)
def test_default_label_values_are_those_of_label_maps(function, argument, value):
    assert inspect.signature(function).parameters[argument].default == value
