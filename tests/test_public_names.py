"""The names of `weakseg`: each resolves, none is shadowed, and listing them needs no torch."""

import inspect
import pkgutil
import subprocess
import sys
from importlib import metadata

import pytest

import weakseg

VERBS = {
    "train": "train",
    "predict": "predict",
    "evaluate": "evaluate",
    "label": "label",
    "import": "import_marks",
    "inspect": "inspect_data",
    "simulate": "simulate",
    "oversegment": "oversegment",
    "convert": "convert_checkpoint",
    "demo": "demo",
    "doctor": "doctor",
}
"""The function of each command that has one."""


def test_every_public_name_resolves_to_the_object_of_that_name():
    for name in weakseg.__all__:
        value = getattr(weakseg, name)
        assert name == "__version__" or value.__name__ == name


def test_names_come_sorted_and_the_version_is_among_them():
    assert weakseg.__all__ == sorted(weakseg.__all__)
    assert weakseg.__version__ == metadata.version("weakseg")


def test_each_command_has_its_verb_in_the_file_of_its_name():
    for command, verb in VERBS.items():
        module = getattr(weakseg, verb).__module__.removeprefix("weakseg.api.")
        assert module.rstrip("_") == command


def test_results_and_options_of_the_verbs_are_public_too():
    for verb in VERBS.values():
        hints = inspect.get_annotations(getattr(weakseg, verb))
        result = hints["return"]
        assert result in {"Path", "list[Path]", "tuple[Scores, Protocol]"} or result in dir(weakseg)
        settings = hints.get("settings")
        assert settings is None or settings.removesuffix(" | None") in dir(weakseg)


def test_every_error_is_public():
    errors = [getattr(weakseg, name) for name in weakseg.__all__ if name.endswith("Error")]
    assert set(errors) == {weakseg.WeaksegError, *weakseg.WeaksegError.__subclasses__()}


def test_no_public_name_is_that_of_a_room():
    rooms = {module.name for module in pkgutil.iter_modules(weakseg.__path__)}
    assert not rooms & set(weakseg.__all__)


def test_public_names_stay_after_every_module_is_imported():
    code = (
        "import pkgutil, weakseg, importlib\n"
        "for found in pkgutil.walk_packages(weakseg.__path__, 'weakseg.'):\n"
        "    found.name.endswith('__main__') or importlib.import_module(found.name)\n"
        "for name in set(weakseg.__all__) - {'__version__'}:\n"
        "    assert callable(getattr(weakseg, name)), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_listed_and_options_made_without_torch():
    code = (
        "import sys, weakseg; dir(weakseg); weakseg.ImportSettings(); weakseg.Recipe(); "
        "weakseg.SimulationSettings(); weakseg.OversegmentSettings(); weakseg.WeaksegError; "
        "weakseg.oversegment; weakseg.import_marks; weakseg.simulate; weakseg.inspect_data; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_refused_as_usual():
    with pytest.raises(AttributeError, match="nothing"):
        _ = weakseg.nothing
