"""How long DLPack tensors live, in both directions, in any thread and after the interpreter."""

import ctypes
import gc
import resource
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from dlpack_producer import (
    NEWEST,
    Passer,
    Producer,
    consume,
    delete,
)

import stridecast as sc


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize(
    "use",
    [
        lambda b: b[1:3],
        lambda b: b.view("B"),
        memoryview,
        lambda b: b.numpy(),
        lambda b: b.__dlpack__(max_version=NEWEST),
    ],
)
def test_a_tensor_lives_as_long_as_what_was_made_from_it(use, versioned):
    producer = Producer(versioned)
    buffer = sc.Buffer(producer)
    made = use(buffer)
    del buffer
    gc.collect()
    assert producer.deleted == 0
    del made
    gc.collect()
    assert producer.deleted == 1


def test_operands_are_given_back_after_the_call():
    producer = Producer()
    assert sc.convert(producer, "d").tolist() == list(range(6))
    assert producer.deleted == 1
    with pytest.raises(OverflowError):
        producer.memory[0] = 300
        sc.convert(producer, "b", overflow="raise")
    with pytest.raises(ValueError):
        sc.convert(producer, None, out=np.zeros(7))
    assert producer.deleted == 3


class Bytes(bytearray):
    """Memory that says when it is gone."""


@pytest.mark.parametrize("version", [None, NEWEST])
def test_exported_memory_lives_until_capsule_or_consumer_lets_go(version):
    data = Bytes(16)
    gone = weakref.ref(data)
    buffer = sc.Buffer(data)
    del data
    capsule = buffer.__dlpack__(max_version=version)
    del buffer
    gc.collect()
    assert gone() is not None
    del capsule  # unconsumed
    gc.collect()
    assert gone() is None

    data = Bytes(16)
    gone = weakref.ref(data)
    managed = consume(sc.Buffer(data).__dlpack__(max_version=version))
    del data
    gc.collect()
    assert gone() is not None
    delete(managed)
    gc.collect()
    assert gone() is None


def test_a_buffer_can_be_released_while_a_tensor_lives():
    data = bytearray(b"abcd")
    with sc.Buffer(data) as buffer:
        managed = consume(buffer.__dlpack__())
    with pytest.raises(BufferError):
        data.append(1)  # the tensor still holds it
    assert ctypes.string_at(managed.tensor.data, 4) == b"abcd"
    delete(managed)
    data.append(1)


def run_in_a_thread_of_c(function, argument):
    """Runs function(argument) in a thread that Python knows nothing of."""
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    start = (ctypes.byref(thread), None, ctypes.c_void_p(function), ctypes.c_void_p(argument))
    assert libc.pthread_create(*start) == 0
    assert libc.pthread_join(thread, None) == 0


@pytest.mark.parametrize("version", [None, NEWEST])
def test_the_deleter_runs_in_any_thread_without_the_lock(version):
    for run in (
        lambda managed: run_in_a_thread_of_c(managed.deleter, ctypes.addressof(managed)),
        lambda managed: join(threading.Thread(target=delete, args=(managed,))),
    ):
        data = Bytes(16)
        gone = weakref.ref(data)
        managed = consume(sc.Buffer(data).__dlpack__(max_version=version))
        del data
        run(managed)
        gc.collect()
        assert gone() is None


def join(thread):
    thread.start()
    thread.join()


@pytest.mark.parametrize("version", [None, NEWEST])
def test_the_deleter_may_come_after_the_interpreter(version):
    code = f"""
import ctypes, sys
sys.path[:0] = {sys.path!r}
from dlpack_producer import consume
import stridecast as sc
managed = consume(sc.Buffer(bytearray(64)).__dlpack__(max_version={version}))
exit = getattr(ctypes.CDLL(None), "__cxa_atexit")
deleter = ctypes.c_void_p(managed.deleter)
assert exit(deleter, ctypes.c_void_p(ctypes.addressof(managed)), None) == 0
unconsumed = sc.Buffer(bytearray(64)).__dlpack__(max_version={version})
sys.modules["unconsumed"] = unconsumed
print("ready")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def refuse(buffer):
    with pytest.raises(BufferError):
        buffer.view("T{i:a:}").__dlpack__()


@pytest.mark.parametrize(
    "use",
    [
        lambda b: b.__dlpack__(),
        lambda b: b.__dlpack__(max_version=NEWEST),
        lambda b: delete(consume(b.__dlpack__(max_version=NEWEST))),
        lambda b: sc.Buffer(Passer(b)),
        lambda b: b.__dlpack__(copy=True),
    ],
    ids=["old", "new", "consumed", "read", "copied"],
)
def test_nothing_leaks(use):
    owner = bytearray(2**12)
    buffer = sc.Buffer(np.frombuffer(owner, "i4").reshape((2,) * 10))
    for _ in range(100):
        use(buffer)
    before, references = resident_bytes(), sys.getrefcount(owner)
    for _ in range(20_000):
        use(buffer)
    assert sys.getrefcount(owner) == references
    assert resident_bytes() - before < 2_000_000  # 100 bytes a turn; a tensor takes more
    for _ in range(10):
        refuse(buffer)
    assert sys.getrefcount(owner) == references
