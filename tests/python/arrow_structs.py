"""The Arrow C data interface in ctypes: a producer whose every field a test can falsify and that
counts releases, and a consumer that looks at what others produce."""

import ctypes
import itertools
import struct


class ArrowSchema(ctypes.Structure):
    pass


class ArrowArray(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowSchema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowArray))

ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowSchema))),
    ("dictionary", ctypes.POINTER(ArrowSchema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowArray))),
    ("dictionary", ctypes.POINTER(ArrowArray)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]

# A capsule that is being destroyed must not become a Python object again: addresses only.
DESTRUCTOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, DESTRUCTOR)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_pointer_at = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)

NAMES = {ArrowSchema: b"arrow_schema", ArrowArray: b"arrow_array"}


@DESTRUCTOR
def _destroy_schema(capsule):
    release(ArrowSchema.from_address(_pointer_at(capsule, NAMES[ArrowSchema])))


@DESTRUCTOR
def _destroy_array(capsule):
    release(ArrowArray.from_address(_pointer_at(capsule, NAMES[ArrowArray])))


DESTROY = {ArrowSchema: _destroy_schema, ArrowArray: _destroy_array}


def release(struct):
    """What a consumer does that is done with a struct."""
    if struct.release:
        struct.release(ctypes.byref(struct))


def capsule_of(struct, name=None):
    """A capsule around `struct`, which must outlive it. Under another name it releases nothing."""
    kind = type(struct)
    destroy = DESTRUCTOR() if name else DESTROY[kind]
    return _new_capsule(ctypes.addressof(struct), name or NAMES[kind], destroy)


def struct_in(kind, capsule):
    """The struct of a capsule that somebody else made."""
    return kind.from_address(_pointer_of(capsule, NAMES[kind]))


def moved_out(struct):
    """Takes a struct over from where it lies, as the interface says: a copy, the source empty."""
    copy = type(struct)()
    ctypes.memmove(ctypes.byref(copy), ctypes.byref(struct), ctypes.sizeof(struct))
    struct.release = type(struct.release)()
    return copy


EVERYTHING = []  # a release may come when a test is over: structs and callbacks stay


class Producer:
    """An object with __arrow_c_array__ over a tree of structs. `node` makes both structs of a node;
    tests change fields before the object is read. `released` counts by struct."""

    def __init__(self):
        EVERYTHING.append(self)
        self.kept = []  # whatever the structs point to
        self.released = {}
        self.schema = self.array = None
        self.calls = 0

    def _counted(self, struct, kind, children):
        key = (kind, len([k for k in self.released if k[0] == kind]))
        self.released[key] = 0

        def on_release(pointer):
            self.released[key] += 1
            for child in children:  # what the struct says may be a lie by now
                release(child)
            pointer.contents.release = type(struct.release)()

        struct.release = type(struct.release)(on_release)
        self.kept.append((struct, struct.release))

    def _table(self, kind, values):
        table = (kind * (len(values) + 4))(*values)  # with nulls behind: a count may lie a little
        self.kept.append(table)
        return table

    def node(self, format, length, buffers, name=b"", children=(), null_count=0, offset=0):
        """`buffers`: bytes or None for null; `children`: what node() returned. The node made last
        is the root."""
        schema, array = ArrowSchema(), ArrowArray()
        schema.format, schema.name = format, name
        schema.n_children = array.n_children = len(children)
        pointers = ctypes.POINTER(ArrowSchema), ctypes.POINTER(ArrowArray)
        if children:
            schema.children = self._table(pointers[0], [ctypes.pointer(s) for s, _ in children])
            array.children = self._table(pointers[1], [ctypes.pointer(a) for _, a in children])
        array.length, array.null_count, array.offset = length, null_count, offset
        memory = [None if b is None else ctypes.create_string_buffer(b, len(b)) for b in buffers]
        self.kept.append(memory)
        addresses = [None if m is None else ctypes.addressof(m) for m in memory]
        array.n_buffers = len(buffers)
        array.buffers = self._table(ctypes.c_void_p, addresses)
        self._counted(schema, "schema", [s for s, _ in children])
        self._counted(array, "array", [a for _, a in children])
        self.schema, self.array = schema, array
        return schema, array

    def __arrow_c_array__(self, requested_schema=None):
        self.calls += 1
        return capsule_of(self.schema), capsule_of(self.array)


def addresses(array):
    """The buffers of an array as numbers, None for null."""
    return [array.buffers[i] for i in range(array.n_buffers)]


def walk(struct):
    """The struct and all below it."""
    return itertools.chain(
        [struct],
        *(walk(struct.children[i].contents) for i in range(struct.n_children)),
    )


class Returns:
    """An object whose method returns a value, or raises it."""

    def __init__(self, value):
        self.value = value

    def __arrow_c_array__(self, requested_schema=None):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def int32s(*values):
    return struct.pack(f"{len(values)}i", *values)
