"""Format texts from Python: the corpus also as exporters give it, parse after print, and texts that
are made to do harm. The grammar itself is tested in C++."""

import ctypes
import importlib.util
import json
import sys
import threading
import types
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import ml_dtypes  # noqa: F401  the texts name it
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from py_buffer import PyBuffer

import stridecast as sc

CORPUS = json.loads(
    (Path(__file__).parents[1] / "data" / "format_corpus.json").read_text(encoding="utf-8")
)["entries"]
#: Codes whose size depends on the mark or that have a second spelling, and their canonical ones.
CANONICAL = {"n": "q", "N": "Q", "F": "Zf", "D": "Zd", "G": "Zg", "1s": "s", "1w": "w"}


def text_of(entry):
    text = entry["format"]
    return bytes.fromhex(entry["format_hex"]) if text is None else text.encode()


def exported(text, itemsize):
    """A memoryview as a C exporter makes it, whose format nobody has looked at."""
    memory = ctypes.create_string_buffer(max(itemsize, 1))
    view = PyBuffer(ctypes.addressof(memory), None, itemsize, itemsize, 1, 0, text)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(PyBuffer))(
        ("PyMemoryView_FromBuffer", ctypes.pythonapi)
    )
    return make(ctypes.byref(view)), (memory, text)


def expect_fields(fields, expected, named_by_index, itemsize=None):
    assert len(fields) == len(expected)
    for i, (field, want) in enumerate(zip(fields, expected, strict=True)):
        if field.name is None and named_by_index and want["name"]:
            assert want["name"] == f"f{i}"
        else:
            assert field.name == (want["name"] or None)
        assert (field.offset, list(field.shape)) == (want["offset"], want["shape"])
        assert field.byteorder == want["byteorder"]
        if "size" in want:  # of a lone struct by its text, before an exporter's itemsize
            assert field.itemsize == (itemsize if len(expected) == 1 and itemsize else want["size"])
        if "custom" in want:
            assert field.custom in (tuple(want["custom"]), None)  # None: it has a letter
        elif want["code"] not in ("l", "L"):
            assert field.code == CANONICAL.get(want["code"], want["code"])
        else:
            assert field.code in "qQiI"
        if "fields" in want:
            expect_fields(field.fields, want["fields"], False)


def test_the_corpus():
    """Every text: by itself with its itemsize, and as a memoryview that was exported with it."""
    good = bad = exact = 0
    for entry in CORPUS:
        text, itemsize = text_of(entry), entry.get("itemsize")
        if entry.get("error"):
            if entry.get("exact_size"):  # of a ctypes exporter: test_ctypes.py
                exact += 1
                continue
            with pytest.raises(sc.FormatError) as caught:
                sc.Format(text, itemsize)
            assert (caught.value.kind, caught.value.position) == (entry["kind"], entry["pos"]), text
            unsized = entry["kind"] == "unsized"
            assert isinstance(caught.value, sc.UnknownTypeError) == unsized
            if b"\0" not in text and not unsized:
                view, _owner = exported(text, 1 if itemsize is None else itemsize)
                with pytest.raises(sc.FormatError) as caught:
                    sc.Buffer(view)
                assert caught.value.kind == entry["kind"], text
            bad += 1
            continue
        f = sc.Format(text, itemsize)
        fields = f.fields
        # These list the members of a struct around all.
        from_dtype = entry["producer"] == "pep3118"
        around = len(fields) == 1 and (fields[0].code, fields[0].name) == ("T", None)
        padded = itemsize if around and not fields[0].shape else None
        if from_dtype and padded is not None:
            fields, padded = fields[0].fields, None
        assert f.itemsize == itemsize
        expect_fields(fields, entry["fields"], from_dtype, padded)
        assert sc.Format(f.text, f.itemsize) == f
        view, _owner = exported(text, itemsize)
        assert sc.Format.of(view) == f
        assert memoryview(sc.Buffer(view)).format == f.text
        good += 1
    assert (good, bad + exact) == (291, 67)
    assert exact < 10


# Texts by the grammar.

FIXED = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "E", "f", "d", "F", "D", "c"]
NATIVE = ["n", "N", "g", "G", "Zg", "P", "z", "O", "u"]
CUSTOM = [
    "[numpy$datetime64$us]",
    "[numpy$timedelta64$25s]",
    "[numpy$datetime64]",
    "[ml_dtypes$float8_e4m3fn$]",
    "[ml_dtypes$bfloat16]",
    "[uuid$UUID$]",
    "[decimal$Decimal$38,10,128]",
    "[quaternion$quaternion$]",
    "[no.where$Type.Inner$a%20b;numpy$datetime64$1us]",
]
NAMES = st.text(
    st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), min_size=0, max_size=5
)
SPACE = st.sampled_from(["", "", "", " ", "\n\t"])
SHAPES = st.sampled_from(["", "", "", "(2)", "(1)", "(0)", "(2,3)", "( 4 , 1 )"])
COUNTS = st.sampled_from(["", "", "", "1", "3", "0", "17"])


@st.composite
def items(draw, depth=0):
    mark = draw(st.sampled_from(["", "", "", "@", "=", "<", ">", "!", "^"]))
    kind = draw(st.integers(0, 11))
    if kind < 5:
        code = draw(st.sampled_from([*FIXED, "Ze", "Zf", "Zd", "ZE", "s", "w", "p"]))
    elif kind < 6:
        mark, code = draw(st.sampled_from(["@", "^"])), draw(st.sampled_from(NATIVE))
    elif kind < 7:
        code = draw(st.sampled_from(CUSTOM))
    elif kind < 8:
        code = draw(st.sampled_from(["x", "X{}", "X{i{}}", "&<i", "&&T{b:a:}", "&(2)>[a$b$]"]))
    elif depth < 3:
        code = "T{" + draw(formats(depth + 1)) + "}"
    else:
        code = "i"
    name = draw(st.one_of(st.just(""), NAMES.map(lambda n: f":{n}:")))
    space = draw(SPACE)
    parts = [mark, draw(SHAPES), draw(COUNTS), code]
    return space.join([p for p in parts if p]) + name


@st.composite
def formats(draw, depth=0):
    return draw(SPACE).join(draw(st.lists(items(depth), max_size=5)))


#: What a text by the grammar may still be refused for.
REFUSED = {
    *("ambiguous-padding", "duplicate-name", "no-swapped-form", "no-standard-size"),
    "too-deep",
}


def flat(fields, base=0):
    """Everything that a format says about its fields, to compare."""
    for field in fields:
        yield (
            *(field.name, field.offset, field.code, field.shape, field.byteorder, field.itemsize),
            field.custom,
        )
        yield from flat(field.fields, base + field.offset)


@given(formats())
def test_parse_after_print_is_the_identity(text):
    try:
        f = sc.Format(text)
    except sc.FormatError as error:
        assert error.kind in REFUSED
        assume(False)
    again = sc.Format(f.text)
    assert again == f and again.text == f.text and hash(again) == hash(f)
    assert list(flat(again.fields)) == list(flat(f.fields))
    assert (again.itemsize, again.alignment) == (f.itemsize, f.alignment)
    assert sc.Format(f.text, f.itemsize) == f
    assert f.text in f.describe()
    if "\0" not in text:
        view, _owner = exported(f.text.encode(), f.itemsize)
        assert sc.Format.of(view) == f


# Texts that are made to do harm.


@pytest.fixture
def modules():
    """sys.modules is the same in the end, and may be given entries until then."""
    before = dict(sys.modules)
    yield sys.modules
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def ask_everything(text, itemsize=8):
    """What a reader does with a text; all of it may fail."""
    for call in (
        lambda: sc.Format(text),
        lambda: sc.Format(text, itemsize).numpy_dtype(),
        lambda: sc.Format(text, itemsize).describe(),
        lambda: sc.Buffer(exported(text.encode(), itemsize)[0]).numpy(),
        lambda: sc.Buffer(exported(text.encode(), itemsize)[0]).tolist(),
        lambda: sc.convert(exported(text.encode(), itemsize)[0], "d"),
    ):
        with suppress(TypeError, ValueError):  # FormatError is a ValueError
            call()


def test_module_attributes_are_not_asked_for(modules):
    asked = []
    lazy = types.ModuleType("lazy562")
    lazy.__getattr__ = asked.append
    modules["lazy562"] = lazy
    for name in ("Type", "Type.Inner", "_numpy_dtype_from_buffer_fmt"):
        ask_everything(f"[lazy562${name}$p]")
    assert asked == []


def test_modules_that_load_late_stay_unloaded(modules, tmp_path):
    (tmp_path / "late_module.py").write_text("class Type:\n    loaded = True\n")
    spec = importlib.util.spec_from_file_location("late_module", tmp_path / "late_module.py")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    modules["late_module"] = module
    spec.loader.exec_module(module)
    unloaded = object.__getattribute__(module, "__class__")
    ask_everything("[late_module$Type$]")
    assert object.__getattribute__(module, "__class__") is unloaded is not types.ModuleType
    assert module.Type.loaded  # now it is


def test_what_is_no_module_is_not_asked(modules):
    class Trap:
        def __getattribute__(self, name):
            raise AssertionError(f"asked for {name}")

    class Meta(type):
        def __getattribute__(cls, name):
            raise AssertionError(f"asked for {name}")

    class TrapClass(metaclass=Meta):
        pass

    for trap in (Trap(), TrapClass, None, 7, {"Type": 1}):
        modules["trap_module"] = trap
        ask_everything("[trap_module$Type$]")
        ask_everything("[trap_module$Type.Inner$]")


def test_descriptors_and_properties_do_not_run(modules):
    class Outer:
        class Meta(type):
            @property
            def Inner(cls):
                raise AssertionError("ran")

        class Holder(metaclass=Meta):
            @property
            def Other(self):
                raise AssertionError("ran")

    module = types.ModuleType("with_properties")
    module.Holder = Outer.Holder
    modules["with_properties"] = module
    for name in ("Holder.Inner", "Holder.Other", "Holder.Other.More", "Holder.mro"):
        ask_everything(f"[with_properties${name}$]")


#: Set while events count; a hook cannot be taken out again.
_audited = threading.local()


def _audit(event, args):
    events = getattr(_audited, "events", None)
    if events is not None and event in ("import", "exec", "compile", "open", "ctypes.dlopen"):
        events.append((event, args))


def test_nothing_is_imported_or_run(modules):
    sys.addaudithook(_audit)
    hostile = [
        "[os$system$id]",
        "[antigravity$x$]",
        "[this$x$];",
        "[json.tool$main$]",
        "[os.path$join.x$]",
        "[builtins$eval$1+1]",
        "[ctypes$c_void_p$7f00deadbeef]",
        "[gc$collect$]",
        "[sys$modules$os]",
        "[xml.dom.minidom$Node$]",
        "T{[antigravity$x$]:a:i:b:}",
    ]
    ask_everything("d")  # loads what reading needs at all
    before = dict(sys.modules)
    _audited.events = []
    try:
        for text in hostile:
            ask_everything(text)
        seen = _audited.events
    finally:
        _audited.events = None
    assert seen == []
    assert dict(sys.modules) == before


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[os$__class__$]", "custom-dunder"),
        ("[os.__dict__$x$]", "custom-dunder"),
        ("[a$b.__init__.__globals__$]", "custom-dunder"),
        ("[__main__$T$]", "custom-dunder"),
        ("[a$<locals>$]", "custom-bad-qualname"),
        ("[a$f().x$]", "custom-bad-qualname"),
        ("[a$b[0]$]", "nested-bracket"),
        ("[..a$b$]", "custom-bad-module"),
        ("[a/../b$c$]", "custom-bad-module"),
        ("[numpy$numpy.dtypes:StringDType:7f00deadbeef]", "custom-bad-qualname"),
        ("[\u0430$b$]", "custom-bad-module"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(text, kind):
    with pytest.raises(sc.FormatError) as caught:
        sc.Format(text, 8)
    assert caught.value.kind == kind


#: Texts that other parsers loop on, crash on, read past or take for something else.
DEADLY = {
    "(2, 3)i": None,
    "(2,3)i": None,
    "4294967297i": None,
    "i:abc": "unclosed",
    "i}zz": "stray-brace",
    "i}garbage": "stray-brace",
    "T{i": "unclosed",
    "}": "stray-brace",
    "Zi": "bad-complex",
    "Zb": "bad-complex",
    "\u0661i": "unknown-code",
    "(0,9999999999,9999999999)q": "overflow",
    "9223372036854775807i": "overflow",
    "T{" * 100_000: "too-deep",
    "&" * 100_000: "too-deep",
    "(" * 100_000: "bad-shape",
    "[" * 100_000: "unclosed",
    "X{" * 100_000: "unclosed",
    "i" * 65_537: "too-many-items",
    "1" * 5_000 + "i": "overflow",
    "(" + "1," * 100_000 + "1)i": "too-many-dims",
}


@pytest.mark.parametrize("text", DEADLY, ids=lambda text: f"{text[:12]!r}..{len(text)}")
def test_what_other_parsers_die_of(text):
    kind = DEADLY[text]
    start = perf_counter()
    if kind is None:
        assert sc.Format(text).itemsize > 0
    else:
        with pytest.raises(sc.FormatError) as caught:
            sc.Format(text)
        assert caught.value.kind == kind
        assert len(str(caught.value)) < 400
    assert perf_counter() - start < 1  # microseconds to a few milliseconds, on an idle machine


def test_a_size_that_disagrees_reads_nothing():
    for text, itemsize in ((b"16s", 4), (b"(1000000,1000000)d", 8), (b"O", 4), (b"T{i:a:q:b:}", 3)):
        view, _owner = exported(text, itemsize)
        with pytest.raises(sc.FormatError) as caught:
            sc.Buffer(view)
        assert caught.value.kind == "itemsize"


def test_objects_from_strangers_are_never_followed():
    view, _owner = exported(b"O", 8)
    b = sc.Buffer(view)
    for use in (b.tolist, b.item, b.numpy, lambda: sc.copy(b), lambda: sc.convert(b, "d")):
        with pytest.raises((TypeError, ValueError)):
            use()


LONG = {
    "padding": lambda n: "x" * n,
    "counted padding": lambda n: "1x" * (n // 2),
    "spaces": lambda n: " " * n + "i",
    "name": lambda n: "i:" + "n" * n + ":",
    "param": lambda n: "[a$b$" + "p" * n + "]",
    "aliases": lambda n: "[" + "a$b$;" * (n // 5) + "numpy$datetime64$us]",
    "signature": lambda n: "X{" + "{}" * (n // 2) + "}",
    "items": lambda n: "i" * (n // 20),
    "names": lambda n: "".join(f"i:{k:08x}:" for k in range(n // 20)),
    "nested": lambda n: ("T{" * 60 + "i" + "}" * 60) * (n // 2500),
    "marks": lambda n: "<i>i" * (n // 40),
}


@pytest.mark.parametrize("kind", LONG)
def test_long_texts_take_linear_time(kind):
    def best(n):
        times = []
        for k in range(3):
            # Never the same text twice: those that were parsed are remembered.
            text = f"{7 + k}s:{n}{kind}:" + LONG[kind](n)
            start = perf_counter()
            try:
                sc.Format(text, 8 if kind == "param" else None)
            except sc.FormatError as error:
                assert error.kind in ("itemsize", "too-many-items", "unsized")
            times.append(perf_counter() - start)
        return min(times)

    small, large = (1 << 17) - 64, (1 << 20) - 64
    assert best(large) < 8 * 4 * best(small) + 1e-3
