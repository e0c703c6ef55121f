"""DLPack in both directions: types, strides, flags. Also test_dlpack_faults and _lifetime."""

import ml_dtypes
import numpy as np
import pytest
from conftest import bits
from dlpack_producer import (
    CUDA,
    IS_COPIED,
    NEWEST,
    PADDED,
    PINNED,
    READ_ONLY,
    SUBBYTE_TYPES,
    TYPES,
    Passer,
    Producer,
    capsule_name,
    managed_in,
)
from test_suboffsets import pointer_rows

import stridecast as sc


def buffer_of(text, shape=(2, 3)):
    data = bytearray(sc.Format(text).itemsize * int(np.prod(shape)))
    data[:] = bytes(i % 2 for i in range(len(data)))
    array = np.frombuffer(data, np.dtype(f"V{sc.Format(text).itemsize}")).reshape(shape)
    return sc.Buffer(array).view(text)


def exported(buffer, **options):
    """The struct that a consumer gets, with its capsule kept alive."""
    capsule = buffer.__dlpack__(max_version=NEWEST, **options)
    managed = managed_in(capsule)
    managed.capsule = capsule
    return managed


def shape_and_strides(tensor):
    return tuple(tensor.shape[: tensor.ndim]), tuple(tensor.strides[: tensor.ndim])


# Types


@pytest.mark.parametrize(("text", "type"), (TYPES | SUBBYTE_TYPES).items())
def test_every_type_in_both_directions(text, type):
    buffer = buffer_of(text)
    managed = exported(buffer)
    tensor = managed.tensor
    assert (tensor.code, tensor.bits, tensor.lanes) == (*type, 1)
    assert (managed.flags == PADDED) == (text in SUBBYTE_TYPES)
    assert shape_and_strides(tensor) == ((2, 3), (3, 1))
    assert (tensor.device_type, tensor.device_id, tensor.byte_offset) == (1, 0, 0)
    back = sc.Buffer(Passer(buffer))
    assert back.format == sc.Format(text) == buffer.format
    assert (back.shape, back.strides, back.readonly) == (buffer.shape, buffer.strides, False)
    assert bits(back.numpy()) == bits(buffer.numpy())


@pytest.mark.parametrize("text", SUBBYTE_TYPES)
@pytest.mark.parametrize("version", [None, (0, 9), (1, 0)])
def test_types_below_a_byte_need_the_flag_of_1_1(text, version):
    with pytest.raises(BufferError, match=r"DLPack 1\.1.*view\('B'\)"):
        buffer_of(text).__dlpack__(max_version=version)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (">i", "convert"),
        (">d", "'d'"),
        ("[numpy$datetime64$us]", r"view\('q'\)"),
        ("[numpy$timedelta64$]", r"view\('q'\)"),
        ("T{i:a:f:b:}", "field"),
        ("if", "field"),
        ("5s", r"view\('B'\)"),
        ("3w", r"view\('I'\)"),
        ("c", r"view\('B'\)"),
        ("7x", r"view\('B'\)"),
        ("g", r"view\('B'\)"),
        ("Zg", r"view\('B'\)"),
        ("ZE", r"view\('E'\)"),
    ],
)
def test_formats_that_dlpack_cannot_say_name_the_way_out(text, advice):
    with pytest.raises(BufferError, match=advice) as failed:
        buffer_of(text).__dlpack__(max_version=NEWEST)
    assert sc.Format(text).text in str(failed.value)


def test_datetimes_pass_by_their_numbers():
    x = np.array(["2024-02-29", "NaT"], "M8[us]")
    assert (np.from_dlpack(sc.Buffer(x).view("q")) == x.view("q")).all()


@pytest.mark.parametrize("mark", ["<", ">"])
def test_the_hosts_byte_order_is_the_one_that_passes(mark):
    buffer = buffer_of(mark + "i")
    if sc.Format(mark + "i") == sc.Format("i"):
        assert exported(buffer).tensor.bits == 32
    else:
        with pytest.raises(BufferError):
            exported(buffer)


def test_a_sub_array_becomes_axes():
    buffer = buffer_of("(2,3)H", (4,))[::2]
    managed = exported(buffer)
    assert shape_and_strides(managed.tensor) == ((2, 2, 3), (12, 3, 1))
    assert (np.from_dlpack(buffer) == buffer.numpy()).all()


def test_lanes_become_a_sub_array():
    producer = Producer()
    producer.set_type(1, 8, 4)
    assert sc.Buffer(producer).format == sc.Format("(4)B")
    assert sc.Buffer(producer)[1:3].tolist() == [[1, 0, 0, 0], [2, 0, 0, 0]]


@pytest.mark.parametrize("type", [(17, 4, 2), (17, 4, 1), (15, 6, 4), (0, 4, 2), (6, 1, 8)])
@pytest.mark.parametrize("versioned", [False, True])
def test_packed_types_are_refused_by_that_word(type, versioned):
    producer = Producer(versioned)
    producer.set_type(*type)
    with pytest.raises(BufferError, match="packed"):
        sc.Buffer(producer)
    assert producer.deleted == 1


def test_padded_types_are_read_with_their_flag():
    producer = Producer()
    producer.set_type(17, 4)
    producer.managed.flags = PADDED
    assert sc.Buffer(producer).format == sc.Format("[ml_dtypes$float4_e2m1fn$]")
    producer.set_type(17, 4, 2)
    with pytest.raises(BufferError, match="packed"):
        sc.Buffer(producer)


# Strides and memory


def test_numpy_reads_ours_over_the_same_memory():
    x = np.arange(24, dtype="i2").reshape(2, 3, 4)
    for view in (x, x.T, x[:, ::-1], x[::1, 1:, ::3], x[1, 2, 3, ...], x[:0], x[:, :, :1]):
        y = np.from_dlpack(sc.Buffer(view))
        assert y.shape == view.shape and (y == view).all() and y.dtype == view.dtype
        assert y.size == 0 or np.shares_memory(x, y)


def test_we_read_numpys_over_the_same_memory():
    x = np.arange(24, dtype="f4").reshape(2, 3, 4)
    for view in (x, x.T, x[:, ::-1], x[::1, 1:, ::3], x[1, 2, 3, ...], x[:0]):
        b = sc.Buffer(Passer(view))
        assert b.shape == view.shape and b.tolist() == view.tolist()
        assert b.size == 0 or np.shares_memory(x, b.numpy())
    out = Passer(x)
    assert sc.convert(np.ones((2, 3, 4)), None, out=out) is out
    assert (x == 1).all()


def test_where_no_step_is_taken_any_stride_will_do():
    x = np.zeros((1, 4), "i4,i2")["f0"][:, :1]
    assert shape_and_strides(exported(sc.Buffer(x)).tensor) == ((1, 1), (1, 1))
    x = np.zeros((3, 2), "i4,i2")["f0"][:, :0]
    managed = exported(sc.Buffer(x))
    assert shape_and_strides(managed.tensor)[0] == (3, 0) and managed.tensor.data is None


def test_strides_of_no_whole_elements_need_a_copy():
    x = np.zeros(4, "i4,i2")
    x["f0"] = range(4)
    field = sc.Buffer(x).field("f0")
    with pytest.raises(BufferError, match=r"6 bytes .* 4; .*stridecast\.copy"):
        field.__dlpack__()
    assert np.from_dlpack(sc.copy(field)).tolist() == [0, 1, 2, 3]
    managed = exported(field, copy=True)
    assert managed.flags == IS_COPIED
    assert shape_and_strides(managed.tensor) == ((4,), (1,))


def test_copy_true_shares_nothing():
    x = np.arange(6).reshape(2, 3).T
    y = np.from_dlpack(sc.Buffer(x), copy=True)
    assert (y == x).all() and not np.shares_memory(x, y)
    for copy in (None, False):
        assert np.shares_memory(x, np.from_dlpack(sc.Buffer(x), copy=copy))


def test_rows_stored_by_pointers_can_be_passed_as_a_copy_only():
    rows = pointer_rows((2, 3))
    buffer = sc.Buffer(rows)
    with pytest.raises(BufferError, match="suboffsets"):
        buffer.__dlpack__()
    assert np.from_dlpack(buffer, copy=True).tolist() == rows.tolist()


def test_strides_left_out_mean_c_order_and_the_offset_is_in_bytes():
    producer = Producer()
    producer.set_shape([2, 2])
    producer.tensor.byte_offset = 8
    assert sc.Buffer(producer).tolist() == [[2, 3], [4, 5]]
    producer.set_strides([-2, 1])
    assert sc.Buffer(producer).tolist() == [[2, 3], [0, 1]]


def test_no_alignment_is_needed():
    producer = Producer()
    producer.set_shape([5])
    producer.tensor.byte_offset = 1
    expected = np.frombuffer(bytes(producer.memory)[1:21], "i4")
    assert sc.Buffer(producer).tolist() == expected.tolist()


def test_empty_tensors_may_have_no_data():
    producer = Producer()
    producer.set_shape([3, 0])
    producer.tensor.data = None
    buffer = sc.Buffer(producer)
    assert (buffer.shape, buffer.tolist(), bytes(memoryview(buffer))) == ((3, 0), [[], [], []], b"")
    assert sc.convert(buffer, "d").shape == buffer.numpy().shape == (3, 0)


# Flags, versions and devices


def test_read_only_memory():
    buffer = sc.Buffer(b"abc")
    assert exported(buffer).flags == READ_ONLY
    with pytest.raises(BufferError, match=r"max_version=\(1, 0\)"):
        buffer.__dlpack__()
    assert not np.from_dlpack(buffer).flags.writeable
    assert sc.Buffer(Passer(buffer)).readonly
    assert capsule_name(buffer.__dlpack__(copy=True)) == "dltensor"
    assert exported(buffer, copy=True).flags == IS_COPIED
    assert np.from_dlpack(buffer, copy=True).flags.writeable


def test_the_old_protocol_cannot_say_writable():
    producer = Producer(versioned=False)
    assert sc.Buffer(producer).readonly
    with pytest.raises(BufferError, match="out is read-only"):
        sc.convert(np.zeros(6, "f4"), None, out=producer)
    assert producer.deleted == 2
    producer = Producer()
    assert not sc.Buffer(producer).readonly
    sc.convert(np.full(6, 7, "f4"), None, out=producer)
    assert list(producer.memory) == [7] * 6
    producer.managed.flags = READ_ONLY
    with pytest.raises(BufferError, match="out is read-only"):
        sc.convert(np.zeros(6, "f4"), None, out=producer)


def test_arguments_of_dlpack():
    buffer = sc.Buffer(bytearray(4))
    assert buffer.__dlpack_device__() == (1, 0)
    for version in (None, (0, 8)):
        assert capsule_name(buffer.__dlpack__(max_version=version)) == "dltensor"
    for version in ((1, 0), (1, 7), (2, 0)):
        assert capsule_name(buffer.__dlpack__(max_version=version)) == "dltensor_versioned"
    managed = exported(buffer, dl_device=(1, 0), stream=None)
    assert (managed.major, managed.minor) == (1, 1)
    with pytest.raises(ValueError, match="stream"):
        buffer.__dlpack__(stream=1)
    for device in ((CUDA, 0), (1, 1)):
        with pytest.raises(BufferError, match="dl_device"):
            buffer.__dlpack__(dl_device=device)
    for bad in (1, (1,), [1, 0], ("1", 0)):
        with pytest.raises(TypeError, match="max_version"):
            buffer.__dlpack__(max_version=bad)
    with pytest.raises(TypeError):
        buffer.__dlpack__(None)
    buffer.release()
    with pytest.raises(ValueError, match="released"):
        buffer.__dlpack__()


def test_we_ask_for_the_newest_version_and_then_without():
    producer = Producer()
    sc.Buffer(producer)
    assert producer.asked == [{"max_version": NEWEST}]

    class Old(Producer):
        def __dlpack__(self):
            return self.capsule()

    old = Old(versioned=False)
    assert sc.Buffer(old).tolist() == list(range(6))
    assert old.deleted == 1


def test_the_device_is_asked_first():
    producer = Producer()
    producer.device = (CUDA, 0)
    with pytest.raises(BufferError, match=r"device 2.*\.cpu\(\)"):
        sc.Buffer(producer)
    assert producer.asked == []
    producer.device = (PINNED, 0)
    producer.tensor.device_type = PINNED
    assert sc.Buffer(producer).tolist() == list(range(6))


# PyTorch


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bool", "?"),
        ("uint8", "B"),
        ("int16", "h"),
        ("float16", "e"),
        ("bfloat16", "E"),
        ("float64", "d"),
        ("complex64", "Zf"),
        ("float8_e4m3fn", "[ml_dtypes$float8_e4m3fn$]"),
        ("float8_e4m3fnuz", "[ml_dtypes$float8_e4m3fnuz$]"),
        ("float8_e5m2", "[ml_dtypes$float8_e5m2$]"),
        ("float8_e5m2fnuz", "[ml_dtypes$float8_e5m2fnuz$]"),
    ],
)
def test_torch(name, text):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, name))
    for view in (tensor, tensor.T):
        buffer = sc.Buffer(view)
        assert buffer.format == sc.Format(text)
        assert (buffer.shape, buffer.readonly) == (tuple(view.shape), False)
        assert buffer.numpy().ctypes.data == tensor.data_ptr()
        assert buffer.numpy().astype("f8").tolist() == view.to(torch.float64).tolist()
        back = torch.from_dlpack(buffer)
        assert (back.dtype, back.shape, back.data_ptr()) == (
            view.dtype,
            view.shape,
            view.data_ptr(),
        )


def test_torch_as_operand_and_result():
    torch = pytest.importorskip("torch")
    out = torch.zeros(5, dtype=torch.bfloat16)
    assert sc.convert(torch.arange(5.0), None, out=out) is out
    assert out.tolist() == [0, 1, 2, 3, 4]
    assert sc.asarray(out).dtype == ml_dtypes.bfloat16
    assert sc.ascontiguous(out[::2]).tolist() == [0, 2, 4]
    with pytest.raises(BufferError, match="detach"):
        sc.Buffer(torch.ones(2, requires_grad=True))
    with pytest.raises(BufferError, match="packed"):
        sc.Buffer(torch.empty(4, dtype=torch.float4_e2m1fn_x2))


def test_torchs_lazy_negatives_and_conjugates_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(BufferError, match=r"resolve_neg\(\)"):
        sc.Buffer(torch._neg_view(torch.ones(2)))
    assert sc.Buffer(torch._neg_view(torch.ones(2)).resolve_neg()).tolist() == [-1, -1]
    with pytest.raises(BufferError, match="conj"):
        sc.Buffer(torch.ones(2, dtype=torch.complex64).conj())


@pytest.mark.parametrize(
    ("mark", "way_out"), [("is_neg", r"resolve_neg\(\)"), ("is_conj", r"resolve_conj\(\)")]
)
def test_marks_that_dlpack_cannot_say(mark, way_out):
    class Tensor:
        def __dlpack_device__(self):
            return (1, 0)

        def __dlpack__(self, **options):
            return np.ones(2).__dlpack__(**options)

    assert sc.Buffer(Tensor()).tolist() == [1, 1]
    setattr(Tensor, mark, lambda self: False)
    assert sc.Buffer(Tensor()).tolist() == [1, 1]
    setattr(Tensor, mark, lambda self: True)
    with pytest.raises(BufferError, match=way_out):
        sc.Buffer(Tensor())


def test_torchs_types_are_no_formats_but_named():
    torch = pytest.importorskip("torch")
    for type, text in ((torch.bfloat16, "E"), (torch.float, "f"), (torch.long, "q")):
        with pytest.raises(TypeError, match=f"the format text for {type} is '{text}'"):
            sc.convert(np.zeros(2), type)
