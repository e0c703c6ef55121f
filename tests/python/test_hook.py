"""The NumPy hook: how "[module$qualname$param]" becomes a dtype, and that nothing else happens.

A type says its dtype by type._numpy_dtype_from_buffer_fmt(param, byteorder=...). It is found in
modules that are imported already, through the dicts of modules and classes: a format text can come
from anywhere, so it must not import, nor run code of a module.
"""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import stridecast as sc


@pytest.fixture
def module(monkeypatch):
    """A module that is imported, for the time of a test: `mine`."""
    made = ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", made)
    return made


class Posit16:
    """A type with the hook, which notes how it is called."""

    calls = []  # noqa: RUF012
    dtype = np.dtype("u2")

    @classmethod
    def _numpy_dtype_from_buffer_fmt(cls, param, *, byteorder="="):
        Posit16.calls.append((param, byteorder))
        return cls.dtype.newbyteorder(byteorder)


@pytest.fixture
def posit16(module):
    """The type in the module, new in each test: what types answer is remembered."""
    Posit16.calls.clear()
    module.posit16 = type("posit16", (Posit16,), {})
    return module.posit16


def hooked(answer):
    """A type whose hook answers this, or raises it."""

    def hook(param, *, byteorder="="):
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return type("posit16", (), {"_numpy_dtype_from_buffer_fmt": staticmethod(hook)})


def dtype_of(text, itemsize=2):
    return sc.Format(text, itemsize).numpy_dtype()


def items(text, n=4):
    """Two-byte items 0, 1, ... of a format that may be unknown."""
    return sc.Buffer(np.arange(n, dtype="u2")).view(sc.Format(text, 2))


class TestWhoAsks:
    def test_numpy_asarray_and_numpy_dtype(self, posit16):
        buffer = items("[mine$posit16$]")
        for array in (buffer.numpy(), sc.asarray(buffer)):
            assert array.dtype == np.dtype("u2")
            assert array.tolist() == [0, 1, 2, 3]
        assert sc.Format("[mine$posit16$]").numpy_dtype() == np.dtype("u2")
        assert sc.Format("(2,3)[mine$posit16$]").numpy_dtype() == np.dtype(("u2", (2, 3)))

    def test_arrays_share_the_memory(self, posit16):
        x = np.arange(4, dtype="u2")
        array = sc.Buffer(x).view(sc.Format("[mine$posit16$]", 2)).numpy()
        array[0] = 9
        assert x[0] == 9

    def test_fields_of_structs(self, posit16):
        text = "T{b:n:@[mine$posit16$]:x:(3)>[mine$posit16$]:y:}"
        dtype = sc.Format(text).numpy_dtype()
        assert dtype.fields["x"] == (np.dtype("u2"), 2)
        assert dtype.fields["y"] == (np.dtype((">u2", 3)), 4)

    def test_the_format_takes_size_and_alignment_from_it(self, posit16):
        with_posit = sc.Format("T{b:n:[mine$posit16$]:x:i:y:}")
        assert [f.offset for f in with_posit.fields[0].fields] == [0, 2, 4]
        assert with_posit.itemsize == 8

    def test_the_hook_gets_the_parameter_unescaped_and_the_byte_order(self, posit16):
        dtype_of("[mine$posit16$a%5Db%20c%25]")
        assert ("a]b c%", "=") in Posit16.calls
        Posit16.calls.clear()
        for mark in ("", "@", "=", "^", "<", ">"):
            assert dtype_of(f"{mark}[mine$posit16$]").newbyteorder("=") == np.dtype("u2")
        assert {order for _, order in Posit16.calls} == {"=", ">"}
        assert dtype_of("![mine$posit16$]") == dtype_of(">[mine$posit16$]") == np.dtype(">u2")

    def test_answers_are_remembered_by_type_parameter_and_order(self, posit16, module):
        for _ in range(3):
            dtype_of("[mine$posit16$]")
            dtype_of(">[mine$posit16$]")
            dtype_of("[mine$posit16$p]")
        assert sorted(Posit16.calls) == [("", "="), ("", ">"), ("p", "=")]
        module.posit16 = hooked(np.dtype("i2"))  # another type of that name
        assert dtype_of("[mine$posit16$]") == np.dtype("i2")


class TestWithoutTheHook:
    def test_numpys_own_types_and_ml_dtypes_are_known(self):
        assert sc.Format("[numpy$datetime64$25us]").numpy_dtype() == np.dtype("M8[25us]")
        assert sc.Format(">[numpy$timedelta64$]").numpy_dtype() == np.dtype(">m8")
        assert sc.Format("E").numpy_dtype() == np.dtype(ml_dtypes.bfloat16)
        int4 = sc.Format("[ml_dtypes$int4$]").numpy_dtype()
        assert int4 == np.dtype(ml_dtypes.int4)

    def test_then_numpy_dtype_counts(self, module):
        module.posit16 = type("posit16", (), {"__numpy_dtype__": np.dtype("i2")})
        assert dtype_of("[mine$posit16$]") == np.dtype("i2")
        assert dtype_of(">[mine$posit16$]") == np.dtype(">i2")

    def test_then_that_it_is_a_scalar_type_of_numpy(self, module):
        module.posit16 = np.float16
        assert dtype_of("[mine$posit16$]") == np.dtype("e")
        assert dtype_of(">[mine$posit16$]") == np.dtype(">e")

    def test_neither_is_told_of_a_parameter(self, module):
        module.posit16 = np.float16
        with pytest.raises(TypeError, match="no NumPy dtype is known for the format"):
            dtype_of("[mine$posit16$p]")

    def test_the_hook_goes_first(self, module):
        module.posit16 = hooked(np.dtype("u2"))
        module.posit16.__numpy_dtype__ = np.dtype("i2")
        assert dtype_of("[mine$posit16$]") == np.dtype("u2")

    def test_a_numpy_dtype_for_instances_does_not_count(self, module):
        module.posit16 = type("posit16", (), {"__numpy_dtype__": property(lambda self: 1 / 0)})
        with pytest.raises(TypeError, match="no NumPy dtype is known"):
            dtype_of("[mine$posit16$]")

    def test_a_type_that_says_nothing(self, module):
        module.silent = int
        with pytest.raises(TypeError, match=r"can offer one by _numpy_dtype_from_buffer_fmt"):
            dtype_of("[mine$silent$]")
        with pytest.raises(sc.UnknownTypeError):  # so that nothing knows its size either
            sc.Format("[mine$silent$]")


class TestChecks:
    @pytest.mark.parametrize(
        ("answer", "error", "says"),
        [
            ("u2", TypeError, "returned 'u2', which is no numpy.dtype"),
            (np.uint16, TypeError, "which is no numpy.dtype"),
            (None, TypeError, "returned None, which is no numpy.dtype"),
            (np.dtype("O"), TypeError, "which holds Python objects"),
            (np.dtype([("a", "O")]), TypeError, "which holds Python objects"),
            (np.dtype("u4"), ValueError, r"of 4 bytes for items of 2"),
            (np.dtype(">u2"), ValueError, "for the byte order '='"),
            (np.dtype([("a", ">u2")]), ValueError, "for the byte order '='"),
        ],
        ids=str,
    )
    def test_an_answer_that_does_not_fit(self, module, answer, error, says):
        fmt = sc.Format("[mine$posit16$]", 2)
        module.posit16 = hooked(answer)
        with pytest.raises(error, match=says) as caught:
            fmt.numpy_dtype()
        assert "mine.posit16" in str(caught.value)
        assert caught.value.__notes__ == ["format '[mine$posit16$]', position 0"]

    def test_the_order_that_was_asked_for(self, module):
        fmt = sc.Format(">[mine$posit16$]", 2)
        module.posit16 = hooked(np.dtype("u2"))
        with pytest.raises(ValueError, match="for the byte order '>'"):
            fmt.numpy_dtype()
        module.posit16 = hooked(np.dtype("V2"))  # means nothing to these
        assert fmt.numpy_dtype() == np.dtype("V2")

    def test_an_answer_of_another_size_than_the_exporters(self, module):
        module.posit32 = hooked(np.dtype("u4"))
        assert sc.Format("[mine$posit32$]").itemsize == 4
        with pytest.raises(sc.FormatError, match="describes 4 bytes, but the itemsize is 2"):
            sc.Format("[mine$posit32$]", 2)

    def test_what_it_raises_is_the_cause(self, module):
        module.posit16 = hooked(ZeroDivisionError("nothing there"))
        fmt = sc.Format(">[mine$posit16$p]", 2)
        with pytest.raises(TypeError, match="failed for the parameter 'p'") as caught:
            fmt.numpy_dtype()
        assert repr(caught.value.__cause__) == "ZeroDivisionError('nothing there')"
        assert caught.value.__notes__ == ["format '>[mine$posit16$p]', position 1"]
        with pytest.raises(sc.UnknownTypeError) as caught:  # nor does anybody know the size
            sc.Format("[mine$posit16$p]")
        assert repr(caught.value.__cause__.__cause__) == "ZeroDivisionError('nothing there')"

    @pytest.mark.parametrize("wrong", [KeyboardInterrupt(), SystemExit(2)], ids=repr)
    def test_ctrl_c_is_no_answer(self, module, wrong):
        module.posit16 = hooked(wrong)
        with pytest.raises(type(wrong)):
            sc.Format("[mine$posit16$ctrl_c]")
        with pytest.raises(type(wrong)):
            sc.convert(np.zeros(2), "T{d:x:[mine$posit16$ctrl_c]:y:}")
        with pytest.raises(type(wrong)):
            sc.Format("[mine$posit16$ctrl_c]", 2)

    def test_nothing_is_remembered_of_a_failure(self, module):
        fmt = sc.Format("[mine$posit16$]", 2)
        answers = [ZeroDivisionError(), np.dtype("u2")]

        class Type:
            @staticmethod
            def _numpy_dtype_from_buffer_fmt(param, *, byteorder="="):
                answer = answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        module.posit16 = Type
        with pytest.raises(TypeError):
            fmt.numpy_dtype()
        assert fmt.numpy_dtype() == np.dtype("u2")

    def test_nothing_is_leaked(self, posit16, module):
        buffer, fmt = items("[mine$posit16$]"), sc.Format("[mine$posit16$]", 2)
        module.wrong = hooked(np.dtype("u4"))
        wrong = sc.Format("[mine$wrong$]", 4)
        module.wrong = hooked(np.dtype("u2"))

        def use():
            assert buffer.numpy().dtype == fmt.numpy_dtype()
            assert sc.Format("[mine$posit16$p]", 2).numpy_dtype() is not None
            with pytest.raises(ValueError, match="for items of 4"):
                wrong.numpy_dtype()
            with pytest.raises(sc.UnknownTypeError):
                sc.Format("[mine$nothing$]")

        use()
        objects = (posit16, module, module.wrong, np.dtype("u2"), buffer)
        before = [sys.getrefcount(o) for o in objects]
        for _ in range(100):
            use()
        after = [sys.getrefcount(o) for o in objects]
        assert all(abs(a - b) < 10 for a, b in zip(after, before, strict=True))


class TestLookup:
    """sys.modules, then dicts: no import, no attribute of a module, no descriptor."""

    def test_a_module_that_is_not_imported(self):
        assert "mine" not in sys.modules
        loaded = set(sys.modules)
        with pytest.raises(sc.UnknownTypeError) as caught:
            dtype_of("<[mine$posit16$]")
        assert str(caught.value) == (
            "format '[mine$posit16$]', position 0: type 'mine.posit16' needs module 'mine', "
            'which is not imported; run "import mine" and try again'
        )
        assert caught.value.position == 0
        with pytest.raises(sc.UnknownTypeError, match="import 'mine'") as caught:
            sc.Format("T{[mine$posit16$]:x:i:y:}")
        assert caught.value.position == 2
        assert set(sys.modules) == loaded

    def test_the_same_text_once_the_module_is_imported(self, monkeypatch):
        text = "T{[mine$posit16$]:x:i:y:}"
        for _ in range(3):  # remembered texts must not stay unknown
            with pytest.raises(sc.UnknownTypeError):
                sc.Format(text)
            with pytest.raises(sc.UnknownTypeError):
                sc.plan(text, "T{f:x:i:y:}", 3)
        module = ModuleType("mine")
        module.posit16 = hooked(np.dtype("u2"))
        monkeypatch.setitem(sys.modules, "mine", module)
        assert sc.Format(text).itemsize == 8

    def test_a_module_that_was_withdrawn(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "mine", None)  # as importlib marks failures
        with pytest.raises(sc.UnknownTypeError, match="is not imported"):
            dtype_of("[mine$posit16$]")

    def test_a_name_that_the_module_does_not_have(self, module):
        with pytest.raises(sc.UnknownTypeError, match="is imported and has no type of that name"):
            dtype_of("[mine$posit16$]")

    def test_dots_lead_into_classes_and_their_bases(self, module):
        class Base:
            class Inner:
                posit16 = hooked(np.dtype("u2"))

        module.Outer = type("Outer", (Base,), {})
        assert dtype_of("[mine$Outer.Inner.posit16$]") == np.dtype("u2")
        with pytest.raises(sc.UnknownTypeError, match=r"'mine.Outer.posit16'"):
            dtype_of("[mine$Outer.posit16$]")

    def test_submodules_are_modules_not_attributes(self, module, monkeypatch):
        inner = ModuleType("mine.small")
        inner.posit16 = hooked(np.dtype("u2"))
        module.small = inner
        with pytest.raises(sc.UnknownTypeError):
            dtype_of("[mine$small.posit16$]")
        with pytest.raises(sc.UnknownTypeError):
            dtype_of("[mine.small$posit16$]")
        monkeypatch.setitem(sys.modules, "mine.small", inner)
        assert dtype_of("[mine.small$posit16$]") == np.dtype("u2")

    def test_a_modules_getattr_is_not_called(self, module):
        module.__getattr__ = lambda name: 1 / 0
        for text in ("[mine$posit16$]", "[mine$a.b$]"):
            with pytest.raises(sc.UnknownTypeError):
                dtype_of(text)

    def test_subclasses_of_module_keep_their_code_to_themselves(self, monkeypatch):
        class Loud(ModuleType):
            touched = []  # noqa: RUF012

            def __getattribute__(self, name):
                ModuleType.__getattribute__(self, "touched").append(name)
                return ModuleType.__getattribute__(self, name)

            @property
            def posit8(self):
                raise AssertionError("the property ran")

        loud = Loud("mine")
        vars(loud)["posit16"] = hooked(np.dtype("u2"))
        Loud.touched.clear()
        monkeypatch.setitem(sys.modules, "mine", loud)
        assert dtype_of("[mine$posit16$]") == np.dtype("u2")
        with pytest.raises(sc.UnknownTypeError):
            dtype_of("[mine$posit8$]")
        assert Loud.touched == []

    def test_modules_that_load_lazily_stay_unloaded(self, monkeypatch):
        loaded = []

        class Loader:
            def create_module(self, spec):
                return None

            def exec_module(self, module):
                loaded.append(module)

        spec = importlib.util.spec_from_loader("mine", importlib.util.LazyLoader(Loader()))
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "mine", module)
        spec.loader.exec_module(module)
        with pytest.raises(sc.UnknownTypeError):
            dtype_of("[mine$posit16$]")
        assert not loaded
        outer = ModuleType("outer")
        vars(outer)["lazy"] = module  # as the type itself
        monkeypatch.setitem(sys.modules, "outer", outer)
        with pytest.raises(sc.UnknownTypeError, match="has no type of that name"):
            dtype_of("[outer$lazy$]")
        assert not loaded
        assert module.__name__ == "mine"
        assert loaded  # the test would notice

    def test_what_is_in_sys_modules_but_no_module(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(posit16=Posit16))
        with pytest.raises(sc.UnknownTypeError, match="has no type of that name"):
            dtype_of("[mine$posit16$]")

    def test_descriptors_and_metaclasses_on_the_way_are_not_triggered(self, module):
        class Meta(type):
            def __getattr__(cls, name):
                raise AssertionError(f"asked for {name}")

        class Outer(metaclass=Meta):
            @property
            def made(self):
                raise AssertionError("the property ran")

            class_made = classmethod(property(lambda cls: 1 / 0))

        module.Outer = Outer
        for text in ("[mine$Outer$]", "[mine$Outer.made$]", "[mine$Outer.none$]"):
            with pytest.raises((TypeError, sc.UnknownTypeError)):
                dtype_of(text)
        for text in ("[mine$Outer.made.x$]", "[mine$Outer.class_made.x$]"):
            with pytest.raises(sc.UnknownTypeError, match="has no type of that name"):
                dtype_of(text)

    def test_objects_that_answer_to_any_name_are_not_asked(self, module):
        class Proxy:
            def __getattr__(self, name):
                raise AssertionError(f"asked for {name}")

        module.posit16 = Proxy()
        with pytest.raises(TypeError, match="no NumPy dtype is known"):
            dtype_of("[mine$posit16$]")

    def test_an_instance_may_have_the_hook_from_its_class(self, module):
        module.posit16 = Posit16()
        assert dtype_of("[mine$posit16$]") == np.dtype("u2")

    @pytest.mark.parametrize(
        "text",
        [
            "[mine$__class__$]",
            "[mine$posit16.__init__.__globals__$]",
            "[__main__$x$]",
            "[mine$posit16$140234987]",  # a number is a parameter, never an address
        ],
    )
    def test_texts_that_want_more_than_a_type(self, module, text):
        module.posit16 = int
        with pytest.raises((sc.FormatError, TypeError)):
            dtype_of(text)
