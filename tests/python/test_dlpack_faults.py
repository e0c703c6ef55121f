"""DLPack producers that misbehave: refused, and every tensor given back exactly once."""

import ctypes
import gc
import sys

import numpy as np
import pytest
from dlpack_producer import (
    CUDA,
    SUBBYTE_TYPES,
    TYPES,
    Producer,
    api,
    capsule_name,
)

import stridecast as sc


def fault(change):
    return pytest.param(change, id=change.__name__)


def other_device(p):
    p.tensor.device_type = CUDA


def no_shape(p):
    p.tensor.shape = None


def negative_ndim(p):
    p.tensor.ndim = -1


def too_many_dims(p):
    p.set_shape([1] * 65)


def negative_size(p):
    p.set_shape([3, -1])


def product_overflows(p):
    p.set_shape([2**31, 2**31, 2])


def product_overflows_beside_0(p):
    p.set_shape([2**62, 2**62, 0])


def stride_overflows(p):
    p.set_shape([2], [2**62])


def extent_overflows(p):
    p.set_shape([2**30, 2], [2**40, 1])


def leaves_the_address_space(p):
    p.set_shape([2], [2**61 - 2**20])


def before_address_0(p):
    p.set_shape([2], [-(2**60)])


def no_data(p):
    p.tensor.data = None


def huge_offset(p):
    p.tensor.byte_offset = 2**64 - 8


def unknown_type(p):
    p.set_type(200, 32)


def handle_type(p):
    p.set_type(3, 64)


def odd_width(p):
    p.set_type(2, 80)


def no_width(p):
    p.set_type(2, 0)


def no_lanes(p):
    p.set_type(2, 32, 0)


FAULTS = [
    fault(change)
    for change in (
        other_device,
        no_shape,
        negative_ndim,
        too_many_dims,
        negative_size,
        product_overflows,
        product_overflows_beside_0,
        stride_overflows,
        extent_overflows,
        leaves_the_address_space,
        before_address_0,
        no_data,
        huge_offset,
        unknown_type,
        handle_type,
        odd_width,
        no_width,
        no_lanes,
    )
]


@pytest.mark.parametrize("change", FAULTS)
@pytest.mark.parametrize("versioned", [False, True])
def test_false_claims_are_refused_and_the_tensor_given_back_once(change, versioned):
    producer = Producer(versioned)
    change(producer)
    for call in (sc.Buffer, lambda x: sc.convert(x, "d"), lambda x: sc.copy(b"", out=x)):
        producer.deleted = 0
        with pytest.raises((BufferError, ValueError)) as failed:
            call(producer)
        assert str(failed.value)
        del failed
        gc.collect()
        assert producer.deleted == 1


def test_random_structs_are_refused_or_described():
    random = np.random.default_rng(7)
    numbers = [0, 1, 2, 3, 8, 64, 65, 2**31, 2**32 - 1, 2**60, 2**62, 2**63 - 1, -1, -(2**63)]

    def number():
        return int(random.choice(numbers)) if random.random() < 0.3 else int(random.integers(-2, 9))

    accepted = 0
    for _ in range(2000):
        producer = Producer(versioned=bool(random.integers(2)))
        shape = [number() for _ in range(random.integers(0, 5))]
        producer.set_shape(shape, [number() for _ in shape] if random.random() < 0.5 else None)
        types = [*TYPES.values(), *SUBBYTE_TYPES.values(), (200, 3), (2, 80)]
        producer.set_type(*types[random.integers(len(types))], int(random.choice([1, 1, 1, 0, 5])))
        producer.tensor.byte_offset = number() % 2**64 if random.random() < 0.2 else 0
        if random.random() < 0.1:
            producer.tensor.data = None
        if random.random() < 0.1:
            producer.tensor.ndim = number() % 2**31
            producer.tensor.shape = None
        try:
            buffer = sc.Buffer(producer)
        except (BufferError, ValueError):
            pass
        else:
            accepted += 1
            assert buffer.shape == tuple(shape)[: producer.tensor.ndim]
            assert producer.deleted == 0
            del buffer
        assert producer.deleted == 1
    assert 200 < accepted < 1800


def test_another_major_version_is_given_back_unread():
    producer = Producer()
    producer.managed.major = 2
    # Were the rest looked at, it would say something else, or crash.
    producer.tensor.ndim = -5
    producer.tensor.shape = None
    with pytest.raises(BufferError, match="version 2"):
        sc.Buffer(producer)
    assert producer.deleted == 1


@pytest.mark.parametrize("versioned", [False, True])
def test_a_deleter_of_null_is_fine(versioned):
    producer = Producer(versioned)
    producer.managed.deleter = None
    assert sc.Buffer(producer).tolist() == list(range(6))
    producer.tensor.ndim = -1
    with pytest.raises(BufferError):
        sc.Buffer(producer)
    assert producer.deleted == 0


@pytest.mark.parametrize("versioned", [False, True])
def test_a_capsule_is_read_once(versioned):
    producer = Producer(versioned)
    capsule = producer.capsule()
    producer.capsule = lambda: capsule
    buffer = sc.Buffer(producer)
    assert capsule_name(capsule).startswith("used_dltensor")
    with pytest.raises(BufferError, match="consumed already"):
        sc.Buffer(producer)
    assert producer.deleted == 0 and buffer.tolist() == list(range(6))
    del buffer
    assert producer.deleted == 1


@pytest.mark.parametrize("given", [None, 5, b"dltensor"])
def test_no_capsule(given):
    producer = Producer()
    producer.capsule = lambda: given
    with pytest.raises(BufferError, match=r"not a capsule"):
        sc.Buffer(producer)
    producer.capsule = lambda: api.PyCapsule_New(1, b"other", None)
    with pytest.raises(BufferError, match=r"not a capsule"):
        sc.Buffer(producer)


class Fault(Exception):
    pass


def test_errors_of_the_producer_come_through():
    def fail(*arguments, **asked):
        raise Fault

    for method in ("__dlpack__", "__dlpack_device__"):
        kind = type("Failing", (Producer,), {method: fail})
        producer = kind()
        with pytest.raises(Fault):
            sc.Buffer(producer)
        assert producer.deleted == 0
        kind = type("Lacking", (Producer,), {method: property(fail)})
        with pytest.raises(Fault):
            sc.Buffer(kind())
    for device in (None, (1,), [1, 0]):
        producer = Producer()
        producer.device = device
        with pytest.raises(BufferError, match="__dlpack_device__"):
            sc.Buffer(producer)
    producer.device = ("cpu", 0)
    with pytest.raises(TypeError):
        sc.Buffer(producer)
    with pytest.raises(BufferError, match="no __dlpack_device__"):
        sc.Buffer(type("Half", (), {"__dlpack__": Producer.__dlpack__})())
    with pytest.raises(TypeError, match="a buffer is needed"):
        sc.Buffer(Producer)  # the class, not an object of it


def test_a_deleter_neither_sees_nor_clears_the_error_in_flight():
    producer = Producer()
    seen = []
    producer._delete = lambda address: seen.append(sys.exc_info()[0])
    deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda a: producer._delete(a))
    producer.managed.deleter = ctypes.cast(deleter, ctypes.c_void_p)
    producer.set_type(200, 32)
    with pytest.raises(BufferError, match="code 200"):
        sc.Buffer(producer)
    assert seen == [None]
