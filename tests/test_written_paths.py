"""Names out of files become paths in one place, `weakseg.support.inside`."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "weakseg"

WRITERS = frozenset(
    {
        *("write_text", "write_bytes", "mkdir", "touch", "symlink_to", "rename", "unlink", "rmdir"),
        *("rmtree", "copyfile", "copytree", "save", "savez_compressed", "save_file", "savefig"),
        *("replacing", "new_folder", "part_of", "writing_in", "writing_data_folder"),
        *("write_label_map", "write_page", "save_oversegment", "dump_recipe", "StageFolder"),
        *("temporary_folder", "save_checkpoint"),
    }
)
"""Functions that write or remove files: a module that calls one is looked at."""

JOINING = frozenset({"joinpath", "with_name", "with_stem"})
"""Methods of paths that take a name."""

_OWN = "a name that the module itself makes up"
_HASH = "a hash"
_READ = "is read, not written"
_USER = "a name that the user types"
_NUMBERS = "a quotient of numbers"

KNOWN = {
    "api/demo.py": {"root / name": _OWN},
    "api/demo_kinds.py": {
        "folder / f'{marks}-{method}'": _OWN,
        "sum((done.seconds for _, done in runs.values())) / len(runs)": _NUMBERS,
    },
    "api/demo_story.py": {
        "runs / f'{row.name}-{row.marks}'": _OWN,
        "labels / f'{record.name}.png'": _READ,
    },
    "api/oversegment.py": {
        "source.cache / 'oversegments' / settings.key()": _HASH,
        "total / len(images)": _NUMBERS,
    },
    "api/simulate.py": {
        "folder / f'{record.name}.png'": _READ,
        "self.labelled / max(1, self.pixels)": _NUMBERS,
    },
    "datasets/data_folder.py": {
        "home / 'weakseg' / hashlib.sha256(str(root).encode()).hexdigest()[:12]": _HASH,
        "self.layout.splits / f'{split}.txt'": _READ,
    },
    "datasets/writer.py": {"self.root / f'{table}.csv'": _OWN, "self.root / folder": _OWN},
    "models/frozen.py": {
        "root / hashlib.blake2b(self._network.encode(), digest_size=8).hexdigest()": _HASH,
        "self.folder / f'{_content_hash(pixels)}.safetensors'": _HASH,
    },
    "models/network.py": {"(image - self.mean) / self.std": _NUMBERS},
    "oversegments/cache.py": {
        "cache_dir / settings.key()": _HASH,
        "side / max(height, width)": _NUMBERS,
    },
    "oversegments/region_maps.py": {"np.bincount(flat, values.ravel()) / pixels": _NUMBERS},
    "oversegments/user_maps.py": {
        "cache_dir / f'own-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}'": (
            _HASH
        ),
        "folder / f'{name}.png'": _READ,
        "folder / f'{name}.json'": _READ,
    },
    "recipes/reading.py": {"_FOLDER / f'{name}.yaml'": _READ, "path.parent / base": _READ},
    "recipes/run_folder.py": {
        "folder.root.joinpath(*self.parts)": _OWN,
        "self.root.joinpath(*path.parts)": _OWN,
        "self.stages / stage": _OWN,
    },
    "report/demo/examples.py": {"picture.height / labels.shape[0]": _NUMBERS},
    "report/inspection/sheets.py": {"folder / f'marks-{number}.png'": _OWN},
    "report/kit/pictures.py": {"MAX_WIDTH / width": _NUMBERS, "MAX_HEIGHT / height": _NUMBERS},
    "report/run/curves.py": {"np.convolve(values, window, mode='same') / counts": _NUMBERS},
    "report/run/logs.py": {"run.stages / stage": _OWN},
    "report/run/write.py": {
        "oversegments / f'{record.name}.png'": _READ,
        "side / max(maps.shape[-2:])": _NUMBERS,
        "seconds / max(1, steps)": _NUMBERS,
    },
    "seeds/activations.py": {
        "side / max(height, width)": _NUMBERS,
        "scores / np.maximum(largest, minimum)": _NUMBERS,
        "edge * fit / stride": _NUMBERS,
    },
    "support/new_folders.py": {
        "root.with_name(f'.{root.name}.{ending}')": _USER,
        "Path(folder, name)": _READ,
    },
    "support/parts.py": {
        "path.with_name(f'.{path.stem[:20]}.{digest}.{_owner()}.part{path.suffix}')": (
            "beside a path that is checked"
        )
    },
    "training/stages/folder.py": {"run.stages / name": _OWN, "self.root / name": _READ},
    "training/stages/region_tagger.py": {
        "weight @ joined.T / weight.sum(dim=1, keepdim=True).clamp(min=1)": _NUMBERS,
        "regions.area / regions.area.sum()": _NUMBERS,
        "(vector - mean) / std": _NUMBERS,
    },
}
"""Places in modules that write where a path is joined with something else than a constant."""


def module_tree(name: str) -> ast.Module:
    return ast.parse((SOURCE / name).read_text(encoding="utf-8"))


def writes(tree: ast.Module) -> bool:
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {
        function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
        for function in functions
    }
    return not names.isdisjoint(WRITERS)


def is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return all(map(is_constant, node.values))
    if isinstance(node, ast.FormattedValue | ast.Subscript):
        return is_constant(node.value)
    if isinstance(node, ast.BinOp):
        return is_constant(node.left) and is_constant(node.right)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def joins(tree: ast.Module) -> set[str]:
    """Return the places of a module that may join a path with a name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.right]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("Path", "os.path.join"):
            parts = node.args[1:] + [part for part in node.args if isinstance(part, ast.JoinedStr)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in JOINING:
            parts = node.args
        else:
            continue
        if not all(map(is_constant, parts)):
            found.add(ast.unparse(node))
    return found


MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


@pytest.mark.parametrize("name", [name for name in MODULES if writes(module_tree(name))])
def test_paths_that_are_written_are_made_of_checked_names(name: str) -> None:
    found = joins(module_tree(name))
    known = KNOWN.get(name, {}).keys()
    assert found <= known, "use weakseg.support.inside, or add the place with its reason"
    assert known <= found, "the place is gone"


def test_known_places_are_in_modules_that_write() -> None:
    assert all(writes(module_tree(name)) for name in KNOWN)


def test_joined_names_are_found() -> None:
    code = "out / name, out / f'{split}.txt', out.joinpath(a), Path(out, b), out / 'c', out / _D"
    assert len(joins(ast.parse(code))) == 4
