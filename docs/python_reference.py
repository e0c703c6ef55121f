"""Prepares the compiled package's docstrings for autodoc; checks that nothing public is left out.

The docstrings follow numpydoc, which napoleon reads. Left for here: nanobind puts signatures into
the first lines, of which the stub (_core.pyi) has better ones; names in single backticks are links
where they are public, and code elsewhere; examples stand behind the last section without a heading.
In the guides, which are read as plain Markdown too, code that is a public name becomes a link.
"""

import ast
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

import stridecast

ROOT = Path(__file__).resolve().parents[1]
# Headers without items of their own for users.
NOT_FOR_READING = {"stridecast", "export", "xsimd-inl"}
logger = logging.getLogger(__name__)


def setup(app):
    app.connect("autodoc-process-docstring", process_docstring, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", process_property, priority=900)  # behind napoleon
    app.connect("autodoc-process-signature", process_signature)
    app.connect("doctree-read", link_names_in_guides)
    app.connect("env-check-consistency", check_that_all_is_there)
    return {"parallel_read_safe": True}


def stubs():
    """The definitions in the stub by their paths, "Buffer.view"; of overloads the first."""
    tree = ast.parse((Path(stridecast.__file__).parent / "_core.pyi").read_text())
    found = {}

    def add(nodes, prefix):
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                add(node.body, f"{node.name}.")
            if isinstance(node, ast.FunctionDef):
                found.setdefault(prefix + node.name, node)

    add(tree.body, "")
    return found


STUBS = stubs()


def signature(name):
    """The parameters with their defaults, without types: the docstring has them in words."""
    if name in ("Buffer", "Format"):
        name += ".__init__"
    if (node := STUBS.get(name)) is None:
        return None
    arguments = node.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    if arguments.args and arguments.args[0].arg == "self":
        del arguments.args[0]
    return f"({ast.unparse(arguments)})"


def process_signature(app, what, name, obj, options, given, returns):
    if what in ("function", "method", "class"):
        return signature(name.removeprefix("stridecast.")), None
    return None


def process_docstring(app, what, name, obj, options, lines):
    short = name.removeprefix("stridecast.").rpartition(".")[2]
    text = "\n".join(without_signatures(lines, short))
    text = with_links(text)
    text = re.sub(r"^(?=>>> )", "Examples\n--------\n", text, count=1, flags=re.MULTILINE)
    lines[:] = one_error_a_line(text).split("\n")


def process_property(app, what, name, obj, options, lines):
    """ "int: bytes of one item" as one line; napoleon, which makes a list of it, has been here."""
    if what == "property":
        kind, _, text = obj.__doc__.partition(": ")
        lines[:] = [f"*{kind}*: {with_links(text)}"]


def with_links(text):
    return re.sub(r"(?<![`:])`([^`\n]+)`(?![`_])", link, text)


def without_signatures(lines, name):
    while lines and (not lines[0] or lines[0].startswith(f"{name}(")):
        lines = lines[1:]
    return lines


def link(match):
    """`convert` links to convert; `out` is a parameter, and code."""
    name = match[1]
    bare = name.removesuffix("()")
    if bare.split(".")[0] not in stridecast.__all__:
        return f"``{name}``"
    return f":py:obj:`{name} <stridecast.{bare}>`"


def link_names_in_guides(app, doctree):
    page = app.env.docname
    if not page.startswith("guides/") or page.endswith("_cpp"):
        return
    for code in [*doctree.findall(nodes.literal)]:
        name = code.astext().removeprefix("sc.").removesuffix("()")
        if name.split(".")[0] in stridecast.__all__ and not isinstance(
            code.parent, nodes.reference
        ):
            target = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=f"stridecast.{name}", refdoc=page
            )
            code.replace_self(target)
            target += code


def one_error_a_line(text):
    """ "TypeError, ValueError" in a section of errors as two entries with the same words."""
    head, heading, errors = text.partition("Raises\n------\n")

    def split(match):
        return "".join(f"{name}\n{match[2]}" for name in match[1].split(", "))

    return (
        head
        + heading
        + re.sub(r"^(\w+(?:, \w+)+)\n((?:    .*\n)+)", split, errors, flags=re.MULTILINE)
    )


def check_that_all_is_there(app, env):
    there = env.domaindata["py"]["objects"]
    public = {
        *stridecast.__all__,
        *(name for name in STUBS if "_" not in (name[0], name.rpartition(".")[2][0])),
    }
    for name in sorted(public - {"__version__"}):
        if f"stridecast.{name}" not in there:
            logger.warning("stridecast.%s is public, and no page documents it", name)
    for header in (ROOT / "include/stridecast").glob("*.h"):
        page = f"reference/cpp/{header.stem}"
        if header.stem not in NOT_FOR_READING and page not in env.found_docs:
            logger.warning("%s is public, and there is no page %s", header.name, page)
