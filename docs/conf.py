"""Sphinx's settings for the site of guides and reference; `make docs` builds it.

What the reference says comes from docstrings (python_reference.py) and headers (Doxyfile).
"""

import sys
from pathlib import Path

import stridecast

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "stridecast"
author = "the stridecast authors"
version = release = stridecast.__version__
html_title = f"stridecast {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "breathe",
    "python_reference",
]
# What only who works on stridecast reads.
exclude_patterns = ["status.md"]

html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_static_path = ["site"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
add_module_names = False
napoleon_google_docstring = False
# Types are words for people ("buffer of numbers, any shape"), not names to be looked up.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
toc_object_entries_show_parents = "hide"

breathe_projects = {"stridecast": str(HERE.parent / "build/docs/xml")}
breathe_default_project = "stridecast"
breathe_default_members = ("members",)
breathe_show_include = False
cpp_maximum_signature_line_length = 80

nitpicky = True
# Names that others document. Looking them up would need the network.
nitpick_ignore_regex = [
    ("py:.*", r"(Type|Value|Key|Lookup|Overflow|Buffer)Error"),
    ("cpp:.*", r"(std|xsimd)(::.*)?"),
    ("cpp:.*", r"u?int(8|16|32|64)_t|size_t|nullptr_t|INT64_M(IN|AX)"),
]


def setup(app):
    app.connect("source-read", lead_home)


def lead_home(app, name, source):
    """What the README is in the repository, the index is here."""
    source[0] = source[0].replace("](../README.md)", "](index.md)")
