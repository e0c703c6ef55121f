"""Runs a page of docs/guides as a reader would, and compares what it prints with what it shows.

A page is a sequence of fenced blocks, run in their order in one empty folder:

    python             a session of >>> lines; one namespace for the page
    console            lines after "$ " are commands of a shell, all others what they print
    c, cpp, cmake      a file, whose name the first line says in a comment
    sh, text, ...      shown only

As in doctest "..." stands for anything. Pages with C++ need the installed library, and are for
tests/guides_test.py; all others for test_guides.py beside it.
"""

import doctest
import os
import re
import subprocess
from contextlib import chdir
from pathlib import Path

GUIDES = Path(__file__).resolve().parents[2] / "docs/guides"
PAGES = sorted(GUIDES.glob("*.md"))
OPTIONS = doctest.ELLIPSIS


def blocks(page):
    """(line number, language, text) of every fenced block."""
    text = page.read_text()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(2)) + 1, match[1], match[2]


def is_cxx(page):
    return any(language == "cpp" for _, language, _ in blocks(page))


def run_page(page, folder, environment):
    """Runs all of it; returns what went wrong, and how many examples there were."""
    failures, tried, names = [], 0, {}
    for line, language, text in blocks(page):
        where = f"{page.name}:{line}"
        if language == "python":
            with chdir(folder):
                wrong, count = run_session(text, names, where)
            failures += wrong
            tried += count
        elif language == "console":
            for command, said in commands(text):
                failures += run_command(command, said, where, folder, environment)
                tried += 1
        elif language in ("c", "cpp", "cmake"):
            (folder / name_of(text, where)).write_text(text)
    return failures, tried


def run_session(text, names, where):
    test = doctest.DocTestParser().get_doctest(text, names, where, None, 0)
    printed = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=printed.append, clear_globs=False)
    names.update(test.globs)  # which is a copy
    return ["".join(printed)] if printed else [], len(test.examples)


def commands(text):
    """(command, what it prints) of a block of a console; a command may go on behind a backslash."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, said = re.match(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", part, re.DOTALL).groups()
        yield command.strip(), said


def run_command(command, said, where, folder, environment):
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if doctest.OutputChecker().check_output(said, done.stdout, OPTIONS):
        return []
    return [f"{where}: $ {command}\nshown:\n{said}\nprinted ({done.returncode}):\n{done.stdout}"]


def name_of(text, where):
    match = re.match(r"(?://|#|/\*) ([\w.]+)", text)
    assert match, f"{where}: the first line names no file"
    return match[1]
