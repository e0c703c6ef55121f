"""Every public name has a docstring whose example runs."""

import doctest
import inspect

import ml_dtypes  # noqa: F401  (its types print by their short names once it is imported)
import pytest

import stridecast

NEED_NO_EXAMPLE = {"__version__", "version", "clear_plan_cache"}
PUBLIC = [name for name in stridecast.__all__ if name not in NEED_NO_EXAMPLE]
METHODS = [
    f"{name}.{method}"
    for name in PUBLIC
    if inspect.isclass(getattr(stridecast, name))
    and not issubclass(getattr(stridecast, name), Exception)
    for method in vars(getattr(stridecast, name))
    if not method.startswith("_")
]


def documented(path):
    thing = stridecast
    for part in path.split("."):
        thing = (
            inspect.getattr_static(thing, part) if inspect.isclass(thing) else getattr(thing, part)
        )
    return thing.__func__.__doc__ if isinstance(thing, staticmethod) else thing.__doc__


def run_examples(name, text):
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert results.failed == 0
    return results.attempted


@pytest.mark.parametrize("name", PUBLIC)
def test_examples(name):
    assert run_examples(name, documented(name)) > 0


@pytest.mark.parametrize("name", METHODS)
def test_members(name):
    doc = documented(name)
    assert doc and doc.strip()
    run_examples(name, doc)


def test_the_package():
    assert run_examples("stridecast", stridecast.__doc__) > 0


def test_signatures():
    signature = inspect.signature(stridecast.convert)
    assert list(signature.parameters)[:3] == ["buf", "fmt", "out"]
    assert signature.parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
    for name in ("astype", "copy", "byteswap", "reduce", "asarray"):
        assert inspect.signature(getattr(stridecast, name)).parameters


def test_stubs_name_everything():
    import ast
    from pathlib import Path

    tree = ast.parse((Path(stridecast.__file__).parent / "_core.pyi").read_text())
    stubs = {
        node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    }
    for name in stridecast.__all__:
        assert name == "__version__" or name in stubs
    for name in PUBLIC:
        if inspect.isclass(getattr(stridecast, name)) and name in (
            "Buffer",
            "Format",
            "Field",
            "Plan",
        ):
            members = {node.name for node in stubs[name].body if isinstance(node, ast.FunctionDef)}
            assert {m for m in vars(getattr(stridecast, name)) if not m.startswith("_")} <= members
