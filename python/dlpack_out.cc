// Tensors out: Buffer.__dlpack__ and __dlpack_device__, as the Python array API standard has them.
// A tensor holds a reference to the Memory, which its deleter gives back; a consumer may call that
// from any thread at any time.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/dlpack.h"
#include "python/dlpack_abi.h"
#include "python/dlpack_types.h"
#include "python/errors.h"
#include "python/finalizing.h"
#include "python/job.h"
#include "python/numpy_dtype.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

using dlpack::Managed;
using dlpack::ManagedVersioned;

constexpr const char* kDLPackDoc =
    R"(__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)

A DLPack capsule over the same memory, for the `from_dlpack` of other libraries: numbers, bool,
bfloat16, complex and the types of ml_dtypes, in the host's byte order. Types of less than 8 bits take a
byte a value and are marked as padded. A sub-array's dimensions come last.

Parameters
----------
stream : None
    There are no streams in the CPU's memory.
max_version : tuple of int, optional
    The newest version that the caller reads; (1, 0) and above get the form that has flags, such as that
    for read-only memory.
dl_device : tuple of int, optional
    Where the tensor should be: (1, 0), the CPU, is all there is.
copy : bool, optional
    True: of a copy in C order. Otherwise no copy is ever made.

Raises
------
BufferError
    DLPack cannot say it: another byte order, datetimes, structs, text, strides that are no multiple of
    the itemsize, or read-only memory where the caller knows no flags.

>>> import stridecast
>>> import numpy
>>> numpy.from_dlpack(stridecast.Buffer(bytearray(b"AB")))
array([65, 66], dtype=uint8)
)";

constexpr const char* kDeviceDoc =
    R"(__dlpack_device__()

(1, 0): the CPU's memory, in DLPack's numbers.

>>> import stridecast
>>> stridecast.Buffer(b"A").__dlpack_device__()
(1, 0)
)";

// What is exported, before it is known in which form.
struct Export {
  nb::object memory;
  char* data = nullptr;
  dlpack::DataType type = {};
  std::vector<int64_t> shape, strides;  // strides in elements
  uint64_t flags = 0;
};

// A tensor with all that it points to.
template <class T>
struct Exported {
  T managed = {};
  PyObject* memory = nullptr;  // a reference
  std::vector<int64_t> shape, strides;
};

// Called by whoever consumed the tensor, with or without the interpreter's lock, in any thread.
template <class T>
void release(T* managed) {
  // When the interpreter is gone, or ends and is somebody else's, its objects are out of reach.
  if (Py_IsInitialized() == 0) return;
  if (is_finalizing() && !holds_gil()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  {
    const nb::error_scope pending;
    auto* exported = static_cast<Exported<T>*>(managed->context);
    Py_DECREF(exported->memory);
    delete exported;
  }
  PyGILState_Release(state);
}

// A capsule that nobody consumed still owns its tensor.
template <class T>
void drop_capsule(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;
  T* managed = static_cast<T*>(PyCapsule_GetPointer(capsule, name));
  managed->deleter(managed);
}

template <class T>
nb::object capsule_of(Export&& source, const char* name, PyCapsule_Destructor destructor) {
  auto exported = std::make_unique<Exported<T>>();
  exported->shape = std::move(source.shape);
  exported->strides = std::move(source.strides);
  exported->managed.context = exported.get();
  exported->managed.deleter = release<T>;
  exported->managed.tensor = {source.data,
                              {dlpack::kCpu, 0},
                              static_cast<int32_t>(exported->shape.size()),
                              source.type,
                              exported->shape.data(),
                              exported->strides.data(),
                              0};
  if constexpr (requires { exported->managed.flags; }) {
    exported->managed.version = {dlpack::kMajor, dlpack::kMinor};
    exported->managed.flags = source.flags;
  }
  nb::object capsule = checked(PyCapsule_New(&exported->managed, name, destructor));
  exported.release()->memory = source.memory.release().ptr();
  return capsule;
}

void drop_unversioned(PyObject* capsule) { drop_capsule<Managed>(capsule, dlpack::kCapsule); }
void drop_versioned(PyObject* capsule) {
  drop_capsule<ManagedVersioned>(capsule, dlpack::kVersionedCapsule);
}

// What to do about an item that DLPack has no word for.
std::string way_out(const Field& field) {
  switch (field.type) {
    case DType::kDatetime64:
    case DType::kTimedelta64:
      return "pass their numbers: buffer.view('q')";
    case DType::kStruct:
      return "pass its fields one by one: buffer.field(name)";
    case DType::kUnicode:
      return "pass the code points: buffer.view('I')";
    case DType::kComplexBFloat16:
      return std::string("pass the parts: buffer.view('") + kBFloat16Code + "')";
    case DType::kPointer:
    case DType::kObject:
      return "addresses mean nothing elsewhere";
    default:
      return "pass the bytes: buffer.view('B')";
  }
}

// The one element type of all items, and the dimensions that a sub-array adds.
const Field& element_of(const Format& format, dlpack::DataType* type) {
  const Field* field = whole_field(format);
  if (field == nullptr && format.fields().empty()) {
    raise(PyExc_BufferError,
          "DLPack has no word for the pad bytes of '%s'; pass the bytes: buffer.view('B')",
          format.text().c_str());
  }
  if (field == nullptr) {
    raise(
        PyExc_BufferError,
        "DLPack has no items of several fields as in the format '%s'; pass the fields one by one: "
        "buffer.field(name)",
        format.text().c_str());
  }
  const std::optional<dlpack::DataType> found = dlpack_of_field(*field);
  if (!found) {
    raise(PyExc_BufferError, "DLPack has no word for the format '%s'; %s", format.text().c_str(),
          way_out(*field).c_str());
  }
  if (field->order != ByteOrder::kNone && field->order != kHostOrder) {
    raise(PyExc_BufferError,
          "DLPack has no byte order but the host's, and the format is '%s'; convert it first: "
          "stridecast.convert(buffer, '%s')",
          format.text().c_str(), type_facts(field->type).code);
  }
  *type = *found;
  return *field;
}

// Strides in elements. Those of dimensions where nobody takes a step may be anything, and become
// what C order would have.
void set_strides(std::span<const int64_t> bytes, int64_t itemsize, bool empty, Export* to) {
  to->strides.resize(to->shape.size());
  int64_t packed = 1;
  for (size_t k = to->shape.size(); k-- > 0;) {
    const int64_t n = to->shape[k];
    to->strides[k] = packed;
    packed *= n == 0 ? 1 : n;
    if (empty || n == 1 || k >= bytes.size()) continue;
    if (bytes[k] % itemsize != 0) {
      raise(PyExc_BufferError,
            "DLPack counts strides in elements, and a stride of %lld bytes is no multiple of %lld; "
            "copy the items first: stridecast.copy(buffer), or copy=True",
            static_cast<long long>(bytes[k]), static_cast<long long>(itemsize));
    }
    to->strides[k] = bytes[k] / itemsize;
  }
}

Export export_of(nb::handle self, bool copy) {
  const Buffer& buffer = live_buffer(self);
  if (!copy && !buffer.suboffsets().empty()) raise_pointers("a DLPack tensor");
  Export result;
  const Field& field = element_of(buffer.format(), &result.type);
  result.shape.assign(buffer.shape().begin(), buffer.shape().end());
  result.shape.insert(result.shape.end(), field.shape.begin(), field.shape.end());
  if (result.type.bits < 8) result.flags |= dlpack::kSubbytePadded;
  bool empty = false;
  for (int64_t n : result.shape) empty = empty || n == 0;
  if (copy) {
    BufferView source;
    source.open(self.ptr(), Access::kRead, "buffer");
    Fresh fresh(source, buffer.format(), 'C', Clear::kNothing);
    run(cached_convert(source.layout(), fresh.layout(buffer.format())), source.data(), fresh.data);
    set_strides(fresh.strides, field.itemsize, empty, &result);
    result.memory = std::move(fresh.memory);
    result.data = fresh.data;
    result.flags |= dlpack::kIsCopied;
  } else {
    set_strides(buffer.strides(), field.itemsize, empty, &result);
    result.memory = buffer.memory();
    if (!result.memory) buffer.require_live();  // another thread may have released it just now
    result.data = buffer.data();
    if (buffer.readonly()) result.flags |= dlpack::kReadOnly;
  }
  if (empty) result.data = nullptr;  // as the specification asks
  return result;
}

// The two integers of `value`, an argument that may be None.
std::optional<std::pair<int64_t, int64_t>> pair_of(nb::handle value, const char* name) {
  if (value.is_none()) return std::nullopt;
  if (!PyTuple_Check(value.ptr()) || PyTuple_Size(value.ptr()) != 2) {
    raise(PyExc_TypeError, "%s must be None or a tuple of two ints, not %R", name, value.ptr());
  }
  return std::pair(int_value(PyTuple_GetItem(value.ptr(), 0), name),
                   int_value(PyTuple_GetItem(value.ptr(), 1), name));
}

nb::object to_dlpack(nb::handle self, nb::handle stream, nb::handle max_version,
                     nb::handle dl_device, nb::handle copy) {
  if (!stream.is_none()) {
    raise(PyExc_ValueError, "stream must be None for memory of the CPU, not %R", stream.ptr());
  }
  const auto device = pair_of(dl_device, "dl_device");
  if (device && *device != std::pair<int64_t, int64_t>(dlpack::kCpu, 0)) {
    raise(PyExc_BufferError, "dl_device must be (1, 0), the CPU, and not %R", dl_device.ptr());
  }
  const auto version = pair_of(max_version, "max_version");
  const bool copies = !copy.is_none() && truth(copy.ptr());
  Export source = export_of(self, copies);
  if ((source.flags & dlpack::kSubbytePadded) != 0 &&
      (!version || *version < std::pair<int64_t, int64_t>(1, 1))) {
    raise(PyExc_BufferError,
          "values of %d bits that take a byte each can be passed from DLPack 1.1 on only, whose "
          "flag says so; pass the bytes: buffer.view('B')",
          source.type.bits);
  }
  if (version && version->first >= 1) {
    return capsule_of<ManagedVersioned>(std::move(source), dlpack::kVersionedCapsule,
                                        drop_versioned);
  }
  if ((source.flags & dlpack::kReadOnly) != 0) {
    raise(PyExc_BufferError,
          "read-only memory can be passed from DLPack 1.0 on only, whose flag says so: ask with "
          "max_version=(1, 0), or for a copy with copy=True");
  }
  return capsule_of<Managed>(std::move(source), dlpack::kCapsule, drop_unversioned);
}

}  // namespace

void bind_dlpack(nb::class_<Buffer>& buffer) {
  buffer
      .def("__dlpack__", to_dlpack, nb::kw_only(), nb::arg("stream").none() = nb::none(),
           nb::arg("max_version").none() = nb::none(), nb::arg("dl_device").none() = nb::none(),
           nb::arg("copy").none() = nb::none(), kDLPackDoc)
      .def(
          "__dlpack_device__", [](const Buffer&) { return nb::make_tuple(int(dlpack::kCpu), 0); },
          kDeviceDoc);
}

}  // namespace stridecast::python
