"""register(): a program's own types, by how they are stored or by kernels, used like built-in ones.

The kernels themselves have tests of their own: test_user_kernels.py.
"""

import copy
import pickle
import re
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from user_types import decode, encode, new_name, q88, text

import stridecast as sc


@pytest.fixture
def name():
    return new_name()


class TestStorage:
    """The simplest: say what the type is stored as, and it converts as that does."""

    def test_a_number(self, name):
        sc.register("user", name, storage="d")
        celsius = sc.Buffer(np.array([36.6, -40])).view(text(name))
        assert str(celsius.format) == text(name)
        assert celsius.tolist() == [36.6, -40]
        assert sc.convert(celsius, "i").tolist() == [36, -40]
        assert sc.convert(np.array([1, 2], "u1"), text(name)).tolist() == [1, 2]
        assert celsius.numpy().tolist() == [36.6, -40]
        assert sc.Format(text(name, ">")).numpy_dtype() == np.dtype(">f8")

    def test_it_stays_a_type_of_its_own(self, name):
        sc.register("user", name, storage="f")
        assert sc.Format(text(name)) != sc.Format("f")
        (field,) = sc.Format(text(name)).fields
        assert field.custom == ("user", name, "")
        assert (field.itemsize, field.byteorder, field.fields) == (4, "<", ())
        assert sc.Format("f").fields[0].custom is None

    def test_a_struct(self, name):
        sc.register("user", name, storage="T{d:re:h:n:}")
        fmt = sc.Format(text(name))
        assert (fmt.itemsize, fmt.alignment) == (16, 8)
        assert [f.name for f in fmt.fields[0].fields] == ["re", "n"]
        items = np.array([(1.5, 2), (2.5, 3)], np.dtype([("re", "f8"), ("n", "i2")], align=True))
        buffer = sc.Buffer(items).view(fmt)
        assert sc.convert(buffer, "T{f:re:q:n:}").tolist() == [(1.5, 2), (2.5, 3)]
        assert fmt.numpy_dtype() == items.dtype
        swapped = sc.byteswap(buffer)
        assert swapped.numpy().view(np.dtype(items.dtype).newbyteorder()).tolist() == items.tolist()
        marked = sc.Format(text(name, ">"))
        assert marked.numpy_dtype()["n"] == np.dtype(">i2")
        assert sc.convert(sc.convert(buffer, marked), "T{d:re:d:n:}").tolist() == items.tolist()

    def test_a_struct_in_a_struct(self, name):
        sc.register("user", name, storage="T{f:re:f:im:}")
        outer = sc.Format(f"T{{b:n:(2)>{text(name)}:z:}}")
        dtype = outer.numpy_dtype()
        assert dtype["z"].shape == (2,)
        assert dtype["z"].base == np.dtype([("re", ">f4"), ("im", ">f4")])
        x = np.zeros(3, dtype)
        x["z"]["re"] = np.arange(6).reshape(3, 2)
        widened = sc.convert(sc.Buffer(x).view(outer), "T{i:n:(2)T{d:re:d:im:}:z:}")
        assert widened.numpy()["z"]["re"].tolist() == x["z"]["re"].tolist()

    def test_a_time_as_numpy_has_it(self, name):
        sc.register("user", name, storage="T{[numpy$datetime64$s]:at:H:zone:}")
        dtype = sc.Format(text(name)).numpy_dtype()
        assert dtype["at"] == np.dtype("M8[s]")

    @pytest.mark.parametrize(
        "storage", [">d", "ii", "(2)d", "d:x:", "O", "P", "&d", "x", "T{O:x:}", "T{>d:x:}"]
    )
    def test_what_is_no_storage(self, name, storage):
        with pytest.raises(ValueError, match=rf"'user.{name}': its storage '.*' must be one code"):
            sc.register("user", name, storage=storage)
        with pytest.raises(sc.FormatError):
            sc.Format(text(name))

    def test_a_storage_that_is_no_format(self, name):
        with pytest.raises(ValueError, match="must have an item"):
            sc.register("user", name, storage="")
        with pytest.raises(sc.FormatError) as error:
            sc.register("user", name, storage="q<")
        assert error.value.kind == "dangling-prefix"
        with pytest.raises(sc.UnknownTypeError):
            sc.register("user", name, storage="[no$such$]")


class TestLayout:
    """Without a storage the bytes have no meaning yet: they move and byteswap."""

    def test_size_alignment_and_swap_unit(self, name):
        sc.register("user", name, itemsize=12, alignment=4, swap_unit=4)
        fmt = sc.Format(f"T{{b:n:{text(name)}:x:}}")
        assert fmt.fields[0].fields[1].offset == 4
        assert fmt.itemsize == 16
        words = np.arange(6, dtype="u4")
        swapped = sc.byteswap(sc.Buffer(words).view(text(name)))
        assert swapped.shape == (2,)
        assert bytes(swapped) == words.byteswap().tobytes()

    @pytest.mark.parametrize(
        ("itemsize", "alignment"), [(1, 1), (2, 2), (3, 1), (8, 8), (12, 1), (16, 16), (32, 1)]
    )
    def test_what_is_left_out(self, name, itemsize, alignment):
        sc.register("user", name, itemsize=itemsize)
        (field,) = sc.Format(text(name, ">")).fields
        assert field.itemsize == itemsize
        assert sc.Format(f"T{{b:n:{text(name)}:x:}}").fields[0].fields[1].offset == alignment
        swapped = sc.byteswap(sc.Buffer(bytes(range(itemsize))).view(text(name)))
        assert bytes(swapped) == bytes(range(itemsize))[::-1]

    def test_a_type_without_byte_order(self, name):
        sc.register("user", name, itemsize=16, alignment=1, swap_unit=1)  # a UUID, say
        assert sc.Format(text(name, ">")) == sc.Format(text(name))
        assert bytes(sc.byteswap(sc.Buffer(bytes(range(16))).view(text(name)))) == bytes(range(16))

    @pytest.mark.parametrize(
        "facts",
        [
            {"itemsize": 0},
            {"itemsize": -2},
            {"itemsize": 4, "alignment": 3},
            {"itemsize": 4, "alignment": 0},
            {"itemsize": 4, "alignment": 8192},
            {"itemsize": 4, "swap_unit": 3},
            {"itemsize": 4, "swap_unit": 8},
            {"itemsize": 4, "swap_unit": 0},
        ],
        ids=str,
    )
    def test_layouts_that_make_no_sense(self, name, facts):
        with pytest.raises(ValueError, match="needs a storage, or a size of at least a byte"):
            sc.register("user", name, **facts)

    def test_either_a_storage_or_a_layout(self, name):
        with pytest.raises(TypeError, match="needs storage=, or itemsize="):
            sc.register("user", name)
        for more in ({"itemsize": 8}, {"alignment": 8}, {"swap_unit": 8}):
            with pytest.raises(ValueError, match="of its own; leave them out"):
                sc.register("user", name, storage="d", **more)


class TestNames:
    @pytest.mark.parametrize(
        ("module", "qualname"),
        [
            ("us er", "T"),
            ("user", "__class__"),
            ("user", "T]"),
            ("", "T"),
            ("user", ""),
            ("1", "T"),
        ],
    )
    def test_names_are_dotted_names(self, module, qualname):
        with pytest.raises(ValueError):
            sc.register(module, qualname, storage="d")

    @pytest.mark.parametrize(("module", "qualname"), [(1, "T"), ("user", None), (b"user", "T")])
    def test_names_are_texts(self, module, qualname):
        with pytest.raises(TypeError, match="must be a str"):
            sc.register(module, qualname, storage="d")

    @pytest.mark.parametrize(
        ("module", "qualname"), [("numpy", "datetime64"), ("ml_dtypes", "bfloat16")]
    )
    def test_built_in_types_stay_what_they_are(self, module, qualname):
        with pytest.raises(ValueError, match="is built in"):
            sc.register(module, qualname, itemsize=8)

    def test_dots_and_aliases(self, name):
        sc.register("user.sub", f"Outer.{name}", storage="h")
        fmt = sc.Format(f"[user.sub$Outer.{name}$]")
        assert fmt.fields[0].custom == ("user.sub", f"Outer.{name}", "")
        # Of several names the first that is known counts.
        assert sc.Format(f"[un$known$;user.sub$Outer.{name}$]") == fmt


class TestTwice:
    def test_the_same_facts_change_nothing(self, name):
        for _ in range(2):
            sc.register("user", name, storage="d", param=float)
            sc.register("user", name + "k", itemsize=2, decode={"d": decode}, encode={"d": encode})

    @pytest.mark.parametrize(
        "facts",
        [
            {"storage": "H"},
            {"itemsize": 2, "alignment": 1},
            {"itemsize": 2, "swap_unit": 1},
            {"itemsize": 2, "param": str},
            {"itemsize": 2, "decode": {"d": decode}},
            {"itemsize": 2, "dtype": "i2"},
        ],
        ids=str,
    )
    def test_other_facts_are_refused(self, name, facts):
        sc.register("user", name, itemsize=2, dtype="u2")
        with pytest.raises(ValueError, match=f"'user.{name}': is registered already"):
            sc.register("user", name, **facts)
        assert sc.Format(text(name)).numpy_dtype() == np.dtype("u2")

    def test_equal_functions_are_other_functions(self, name):
        sc.register("user", name, itemsize=2, decode={"d": lambda bits: bits})
        with pytest.raises(ValueError, match="with other facts"):
            sc.register("user", name, itemsize=2, decode={"d": lambda bits: bits})

    def test_threads_may_race(self, name):
        errors = []

        def run():
            try:
                sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert sc.convert(q88([1.5], text(name)), "d").tolist() == [1.5]


class TestParameters:
    def test_a_reader_says_the_storage(self, name):
        def param(given):
            if given == "same":
                return None
            return {"half": "e", "wide": "T{d:hi:d:lo:}"}[given]

        sc.register("user", name, storage="f", param=param)
        sizes = {p: sc.Format(text(name, param=p)).itemsize for p in ("", "same", "half", "wide")}
        assert sizes == {"": 4, "same": 4, "half": 2, "wide": 16}
        halves = sc.Buffer(np.array([1.5, 2], "e")).view(text(name, param="half"))
        assert sc.convert(halves, "d").tolist() == [1.5, 2]
        assert halves.format.fields[0].custom == ("user", name, "half")
        assert sc.convert(halves, text(name)).numpy().dtype == np.dtype("f")

    def test_it_gets_the_parameter_unescaped(self, name):
        asked = []
        sc.register("user", name, storage="f", param=asked.append)  # which returns None
        sc.Format(text(name, param="a%5D%20b"))
        assert asked[0] == "a] b"

    @pytest.mark.parametrize(
        "answer", ["q<", ">d", "x", KeyError("no"), ValueError("bad")], ids=str
    )
    def test_what_it_does_not_know(self, name, answer):
        def param(given):
            if isinstance(answer, Exception):
                raise answer
            return answer

        sc.register("user", name, storage="f", param=param)
        with pytest.raises(sc.FormatError, match=f"'user.{name}' has no parameter 'p'") as error:
            sc.Format(text(name, param="p"))
        assert error.value.kind == "custom-bad-param"
        assert error.value.__cause__ is (answer if isinstance(answer, Exception) else None)
        assert sc.Format(text(name)).itemsize == 4

    @pytest.mark.parametrize(
        "wrong",
        [TypeError("mine"), ZeroDivisionError(), KeyboardInterrupt(), SystemExit(3)],
        ids=str,
    )
    def test_what_else_it_raises_arrives(self, name, wrong):
        def param(given):
            raise wrong

        sc.register("user", name, storage="f", param=param)
        for parse in (
            lambda: sc.Format(text(name, param="p")),
            lambda: sc.convert(np.zeros(2), f"T{{i:n:{text(name, param='p')}:x:}}"),
            lambda: sc.Buffer(bytes(8)).view(f"[un$known$;{text(name, param='p')[1:]}"),
        ):
            with pytest.raises(type(wrong)) as caught:
                parse()
            assert caught.value is wrong
        assert sc.Format(text(name)).itemsize == 4

    @pytest.mark.parametrize("answer", [3, b"d", ["d"]], ids=str)
    def test_what_is_no_answer(self, name, answer):
        sc.register("user", name, storage="f", param=lambda given: answer)
        with pytest.raises(TypeError, match="must return the storage as a str, or None, not"):
            sc.Format(text(name, param="p"))

    def test_a_cause_is_of_its_own_error_only(self, name):
        def param(given):
            raise ValueError("mine")

        sc.register("user", name, storage="f", param=param)
        known = f"[user${name}$p;numpy$datetime64$s]"
        assert sc.Format(known).itemsize == 8  # the second name is known
        with pytest.raises(sc.FormatError) as error:
            sc.Format("i<")
        assert error.value.__cause__ is None
        with pytest.raises(sc.UnknownTypeError) as error:
            sc.Format("[un$known$]")
        assert error.value.__cause__ is None

    def test_it_may_reshape_the_operand(self, name):
        """What a call reads of an array it reads before code of others runs."""
        x = np.arange(24, dtype="u1").reshape(1, 2, 3, 4)

        def param(given):
            with warnings.catch_warnings(action="ignore"):  # NumPy advises against it
                x.shape = (24,)
            return "B"

        sc.register("user", name, storage="B", param=param)
        result = sc.convert(x, text(name, param="p"))
        assert result.shape == (1, 2, 3, 4)
        assert result.tolist() == np.arange(24).reshape(1, 2, 3, 4).tolist()

    def test_without_a_reader_there_is_none(self, name):
        sc.register("user", name, storage="f")
        with pytest.raises(sc.FormatError, match="has no parameter 'p'"):
            sc.Format(text(name, param="p"))
        with pytest.raises(TypeError, match="param must be a callable, not str"):
            sc.register("user", name, storage="f", param="p")

    def test_storages_that_go_in_circles_end(self, name):
        sc.register("user", name, storage="f", param=lambda p: f"T{{{text(name, param=p)}:x:}}")
        with pytest.raises(sc.FormatError):
            sc.Format(text(name, param="p"))

    def test_kernels_are_for_items_of_one_size(self, name):
        param = {"same": None, "wide": "d"}.get
        sc.register("user", name, itemsize=2, decode={"d": decode}, param=param)
        assert sc.convert(q88([0.5], text(name, param="same")), "d").tolist() == [0.5]
        with pytest.raises(sc.FormatError, match="has no parameter 'wide'"):
            sc.Format(text(name, param="wide"))


class TestUse:
    """Registered types go wherever built-in ones do."""

    @pytest.fixture(autouse=True)
    def types(self):
        sc.register("use", "Q", itemsize=2, decode={"d": decode}, encode={"d": encode}, dtype="u2")
        sc.register("use", "Celsius", storage="f")

    def test_in_structs_of_any_byte_order(self):
        dtype = np.dtype([("n", "i1"), ("q", ">i2"), ("t", "f4"), ("qs", "i2", (2,))])
        x = np.zeros(1000, dtype)
        x["n"], x["q"], x["t"] = 5, np.arange(1000), np.arange(1000) / 2
        x["qs"] = np.arange(2000).reshape(-1, 2)
        src = sc.Buffer(x).view("^T{b:n:>[use$Q$]:q:^[use$Celsius$]:t:(2)[use$Q$]:qs:}")
        out = sc.convert(src, "T{(2)d:qs:i:n:d:t:f:q:}").numpy()
        assert out["q"].tolist() == (np.arange(1000) / 256).tolist()
        assert out["t"].tolist() == x["t"].tolist()
        assert out["qs"].tolist() == (np.arange(2000).reshape(-1, 2) / 256).tolist()
        assert (out["n"] == 5).all()
        back = sc.convert(out, src.format)
        assert bytes(back) == x.tobytes()

    def test_from_one_to_another(self):
        celsius = sc.convert(q88([1.5, -2], "[use$Q$]"), "[use$Celsius$]")
        assert celsius.tolist() == [1.5, -2]
        assert sc.convert(celsius, ">[use$Q$]").view(">h").tolist() == [384, -512]

    def test_copies_slices_and_fields(self):
        items = q88(np.arange(12).reshape(3, 4), "[use$Q$]")
        assert bytes(sc.copy(items[::2, ::-1])) == items.view("h").numpy()[::2, ::-1].tobytes()
        assert sc.copy(items, order="F").strides == (2, 6)
        joined = sc.join({"q": items, "t": sc.convert(items, "[use$Celsius$]")})
        assert joined.field("q").format == items.format
        assert sc.convert(joined.field("q"), "d").tolist() == np.arange(12.0).reshape(3, 4).tolist()
        assert sc.split(joined)["t"].format == sc.Format("[use$Celsius$]")

    def test_under_masks_and_in_place(self):
        items = q88([1, 2, 3, 4], "[use$Q$]")
        out = sc.Buffer(np.full(4, -1.0))
        sc.convert(items, "d", out=out, where=np.array([1, 0, 0, 1], bool))
        assert out.tolist() == [1, -1, -1, 4]
        sc.byteswap(items, inplace=True)
        assert items.view(">h").tolist() == [256, 512, 768, 1024]
        same = sc.Buffer(np.array([256, 512], "u2")).view("[use$Q$]")
        sc.convert(same, ">[use$Q$]", out=same.view(">[use$Q$]"))
        assert same.view(">h").tolist() == [256, 512]

    def test_plans_name_the_kernels(self):
        plan = sc.plan("[use$Q$]", "f", 1000)
        assert "decode use.Q -> convert float64 float32" in str(plan)
        both = str(sc.plan("[use$Celsius$]", ">[use$Q$]", 1000))
        assert "encode use.Q" in both
        struct = str(sc.plan("T{b:n:>[use$Q$]:q:}", "T{i:n:f:q:}", 1000))
        assert "decode use.Q" in struct

    def test_formats_travel(self):
        fmt = sc.Format(">[use$Q$]")
        assert pickle.loads(pickle.dumps(fmt)) == copy.deepcopy(fmt) == fmt
        assert sc.Format.of(q88([1], "[use$Q$]")) == sc.Format("[use$Q$]")
        view = memoryview(q88([1], "[use$Q$]"))
        assert (view.format, view.itemsize, view.tobytes()) == ("[use$Q$]", 2, b"\0\1")
        assert sc.convert(view, "d").tolist() == [1]  # read back from another exporter

    def test_the_dtype_that_was_declared(self):
        assert q88([1], "[use$Q$]").numpy().dtype == np.dtype("u2")
        assert q88([1], ">[use$Q$]").numpy().dtype == np.dtype(">u2")

    def test_a_hook_says_more_than_the_declaration(self, name, monkeypatch):
        module = type(sys)("hooking")
        setattr(module, name, type(name, (), {"__numpy_dtype__": np.dtype("i4")}))
        sc.register("hooking", name, itemsize=4, dtype="u4")
        fmt = sc.Format(f"[hooking${name}$]")
        assert fmt.numpy_dtype() == np.dtype("u4")
        monkeypatch.setitem(sys.modules, "hooking", module)
        assert fmt.numpy_dtype() == np.dtype("i4")

    def test_a_type_without_a_dtype(self, name):
        sc.register("user", name, itemsize=2)
        for known in (text(name), "[uuid$UUID$]"):  # its module could tell nothing more
            with pytest.raises(TypeError, match="no NumPy dtype is known"):
                sc.Format(known).numpy_dtype()
            with pytest.raises(TypeError, match="no NumPy dtype is known"):
                sc.Buffer(bytes(sc.Format(known).itemsize)).view(known).numpy()

    def test_what_they_do_not_convert_to(self):
        for other in ("Zd", "[numpy$datetime64$s]", "2s", "[other$Unknown$]"):
            with pytest.raises(TypeError, match=r"no conversion from use\.Q to "):
                sc.convert(q88([1], "[use$Q$]"), sc.Format(other, 2) if "Un" in other else other)
        with pytest.raises(TypeError, match="sum is not defined"):
            sc.reduce(q88([1], "[use$Q$]"), "sum")


class TestUnknownTypes:
    """Types that nobody has registered are bytes: they move, and nothing else."""

    def test_a_text_that_was_parsed_too_early(self, name):
        early = sc.Buffer(np.array([1.5], "f4")).view(sc.Format(text(name), 4))
        with pytest.raises(TypeError, match="import 'user' if it registers the type, or register"):
            sc.convert(early, "d")
        sc.register("user", name, storage="f")
        advice = re.escape(f"parse the text again, e.g. buf.view('{text(name)}')")
        for call in (lambda: sc.convert(early, "d"), lambda: sc.byteswap(early)):
            with pytest.raises(TypeError, match=f"was registered after .* {advice}"):
                call()
        late = early.view(text(name))
        assert sc.convert(late, "d").tolist() == [1.5]
        out = sc.Buffer(bytearray(4)).view(text(name))
        with pytest.raises(ValueError, match="parsed before a type in it was registered"):
            sc.copy(early, out=out)

    def unknown(self, n=6, mark=""):
        return sc.Buffer(np.arange(n, dtype="u4")).view(sc.Format(f"{mark}[nobody$Knows$]", 4))

    def test_copies_slices_and_views(self):
        buffer = self.unknown()
        assert bytes(sc.copy(buffer[::-2])) == np.arange(6, dtype="u4")[::-2].tobytes()
        assert buffer[2] == np.uint32(2).tobytes()
        assert buffer.view("I").tolist() == list(range(6))
        into = self.unknown()
        sc.convert(buffer[::-1], None, out=into)
        assert into.view("I").tolist() == [5, 4, 3, 2, 1, 0]

    def test_fields_beside_them_convert(self):
        x = np.zeros(3, [("a", "i2"), ("b", "V4"), ("c", ">f4")])
        x["a"], x["c"] = 7, 1.5
        x["b"] = [b"abcd", b"efgh", b"ijkl"]
        sc.register("nobody", "Sized", itemsize=4, alignment=1)
        src = sc.Buffer(x).view("^T{h:a:[nobody$Sized$]:b:>f:c:}")
        out = sc.convert(src, "T{d:c:[nobody$Sized$]:b:q:a:}")
        assert out.tolist() == [(1.5, b"abcd", 7), (1.5, b"efgh", 7), (1.5, b"ijkl", 7)]

    def test_conversion_and_byteswap_say_what_to_import(self):
        for act in (
            lambda: sc.convert(self.unknown(), "d"),
            lambda: sc.convert(np.zeros(3), self.unknown().format),
            lambda: sc.convert(self.unknown(), self.unknown(mark=">").format),
            lambda: sc.byteswap(self.unknown()),
        ):
            with pytest.raises(TypeError, match="import 'nobody' if it registers the type"):
                act()

    def test_their_size_is_the_exporters(self):
        assert sc.Format("[nobody$Knows$]", 12).itemsize == 12
        assert sc.Format("(2,3)[nobody$Knows$]", 24).fields[0].itemsize == 4
        with pytest.raises(sc.UnknownTypeError) as error:
            sc.Format("T{i:n:[nobody$Knows$]:x:}", 8)
        assert (error.value.kind, error.value.position) == ("unsized", 6)


class TestBefore:
    """Formats parsed before a registration stay what they were; texts are read anew."""

    def test_texts_and_formats(self, name):
        literal = text(name)
        early = sc.Format(literal, 2)
        for _ in range(3):  # so that every memory of texts has met it
            with pytest.raises(sc.UnknownTypeError):
                sc.convert(b"\0\1", literal)
            with pytest.raises(sc.UnknownTypeError):
                sc.plan(literal, "d", 3)
        buffer = sc.Buffer(np.array([256], "u2")).view(early)
        with pytest.raises(TypeError, match="no conversion"):
            sc.convert(buffer, "d")
        sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
        assert sc.convert(np.array([1.0]), literal).view("h").tolist() == [256]
        assert sc.plan(literal, "d", 3)
        with pytest.raises(TypeError, match="cannot be swapped"):
            sc.byteswap(buffer)  # its format still has no swap unit
        again = buffer.view(literal)
        assert sc.convert(again, "d").tolist() == [1]
        assert sc.Format(literal, 2) == sc.Format(literal)

    def test_a_new_storage_is_seen_in_known_texts(self, name):
        literal = f"[un$known$;user${name}$]"
        assert sc.Format(literal, 4).fields[0].custom == ("un", "known", "")
        sc.register("user", name, storage="f")
        assert sc.Format(literal).fields[0].custom == ("user", name, "")
        assert sc.Format(literal, 4).fields[0].custom == ("user", name, "")


def test_a_type_outlives_its_module():
    """What is registered is kept for good: kernels, parameter readers and dtypes."""
    script = (
        "import gc, numpy as np, stridecast as sc\n"
        "sc.register('m', 'T', itemsize=2, decode={'d': lambda b: b / 2}, dtype='u2',\n"
        "            param=lambda p: None if p == 'ok' else 1 / 0)\n"
        "gc.collect()\n"
        "b = sc.Buffer(np.arange(4, dtype='u2')).view('[m$T$ok]')\n"
        "print(sc.convert(b, 'd').tolist(), b.numpy().dtype)\n"
        "keep = sc.plan('[m$T$]', 'f', 3)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("[0.0, 0.5, 1.0, 1.5] uint16\n", "", 0)
