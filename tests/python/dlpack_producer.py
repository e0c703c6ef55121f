"""The types and C structs of DLPack, and a producer that counts the calls of its deleter."""

import ctypes
from ctypes import c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

# Format text and (code, bits) of every type that both know.
TYPES = {
    "?": (6, 8),
    "b": (0, 8),
    "h": (0, 16),
    "i": (0, 32),
    "q": (0, 64),
    "B": (1, 8),
    "H": (1, 16),
    "I": (1, 32),
    "Q": (1, 64),
    "e": (2, 16),
    "f": (2, 32),
    "d": (2, 64),
    "E": (4, 16),
    "Ze": (5, 32),
    "Zf": (5, 64),
    "Zd": (5, 128),
    "[ml_dtypes$float8_e3m4$]": (7, 8),
    "[ml_dtypes$float8_e4m3$]": (8, 8),
    "[ml_dtypes$float8_e4m3b11fnuz$]": (9, 8),
    "[ml_dtypes$float8_e4m3fn$]": (10, 8),
    "[ml_dtypes$float8_e4m3fnuz$]": (11, 8),
    "[ml_dtypes$float8_e5m2$]": (12, 8),
    "[ml_dtypes$float8_e5m2fnuz$]": (13, 8),
    "[ml_dtypes$float8_e8m0fnu$]": (14, 8),
}
# A byte a value here, which DLPack calls padded.
SUBBYTE_TYPES = {
    "[ml_dtypes$float6_e2m3fn$]": (15, 6),
    "[ml_dtypes$float6_e3m2fn$]": (16, 6),
    "[ml_dtypes$float4_e2m1fn$]": (17, 4),
    "[ml_dtypes$int4$]": (0, 4),
    "[ml_dtypes$int2$]": (0, 2),
    "[ml_dtypes$int1$]": (0, 1),
    "[ml_dtypes$uint4$]": (1, 4),
    "[ml_dtypes$uint2$]": (1, 2),
    "[ml_dtypes$uint1$]": (1, 1),
}
NEWEST = (1, 1)

CPU, CUDA, PINNED = 1, 2, 3
READ_ONLY, IS_COPIED, PADDED = 1, 2, 4

api = ctypes.pythonapi
api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [c_void_p, ctypes.c_char_p, c_void_p]
api.PyCapsule_GetPointer.restype = c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_GetName.restype = ctypes.c_char_p
api.PyCapsule_GetName.argtypes = [ctypes.py_object]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]

Deleter = ctypes.CFUNCTYPE(None, c_void_p)


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", ctypes.POINTER(c_int64)),
        ("strides", ctypes.POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", c_void_p), ("deleter", c_void_p)]


class ManagedVersioned(ctypes.Structure):
    _fields_ = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("context", c_void_p),
        ("deleter", c_void_p),
        ("flags", c_uint64),
        ("tensor", Tensor),
    ]


NAMES = {Managed: b"dltensor", ManagedVersioned: b"dltensor_versioned"}


def capsule_name(capsule):
    return api.PyCapsule_GetName(capsule).decode()


def managed_in(capsule):
    """The struct in a capsule that nobody has consumed."""
    name = api.PyCapsule_GetName(capsule)
    kind = next(kind for kind, known in NAMES.items() if known == name)
    return kind.from_address(api.PyCapsule_GetPointer(capsule, name))


def consume(capsule):
    """Takes the tensor as a consumer does: the capsule does not own it any more."""
    managed = managed_in(capsule)
    # The name must outlive the capsule.
    used = consume.names.setdefault(capsule_name(capsule), b"used_" + NAMES[type(managed)])
    api.PyCapsule_SetName(capsule, used)
    return managed


consume.names = {}


def delete(managed):
    """Calls the deleter without the interpreter's lock, as a consumer in C may."""
    Deleter(managed.deleter)(ctypes.addressof(managed))


class Producer:
    """An object with `__dlpack__`: `size` int32 items, or what the test writes into `tensor`."""

    def __init__(self, versioned=True, size=6):
        self.memory = (c_int32 * size)(*range(size))
        self.managed = (ManagedVersioned if versioned else Managed)()
        if versioned:
            self.managed.major, self.managed.minor = 1, 1
        self.deleted = 0
        self.asked = []
        self._deleter = Deleter(self._delete)
        self.managed.deleter = ctypes.cast(self._deleter, c_void_p)
        self.tensor = self.managed.tensor
        self.tensor.data = ctypes.addressof(self.memory)
        self.tensor.device_type = CPU
        self.tensor.bits, self.tensor.lanes = 32, 1
        self.set_shape([size])
        self.device = (CPU, 0)

    def _delete(self, address):
        assert address == ctypes.addressof(self.managed)
        self.deleted += 1

    def set_shape(self, shape, strides=None):
        self.tensor.ndim = len(shape)
        self._shape = (c_int64 * len(shape))(*shape)
        self.tensor.shape = self._shape
        self.set_strides(strides)

    def set_strides(self, strides):
        self._strides = None if strides is None else (c_int64 * len(strides))(*strides)
        self.tensor.strides = self._strides

    def set_type(self, code, bits, lanes=1):
        self.tensor.code, self.tensor.bits, self.tensor.lanes = code, bits, lanes

    def capsule(self):
        return api.PyCapsule_New(ctypes.addressof(self.managed), NAMES[type(self.managed)], None)

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **asked):
        self.asked.append(asked)
        return self.capsule()


class Passer:
    """Passes `__dlpack__` on and hides everything else, so that nothing but DLPack is used."""

    def __init__(self, producer):
        self.producer = producer

    def __dlpack_device__(self):
        return self.producer.__dlpack_device__()

    def __dlpack__(self, **asked):
        return self.producer.__dlpack__(**asked)
