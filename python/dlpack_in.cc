// Tensors in: an object with __dlpack__ becomes an operand. The order of things is what makes it
// safe: all of the producer's Python code has run before its capsule is opened, and from the moment
// the tensor is ours a holder calls its deleter, whatever happens next.
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "python/args.h"
#include "python/classes.h"
#include "python/dlpack.h"
#include "python/dlpack_abi.h"
#include "python/dlpack_types.h"
#include "python/errors.h"
#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

using dlpack::Managed;
using dlpack::ManagedVersioned;
using dlpack::Tensor;

constexpr const char* kHolderName = "stridecast.dlpack_tensor";

// A tensor that we have taken: at most one of the pointers is set.
struct Holder {
  Managed* managed = nullptr;
  ManagedVersioned* versioned = nullptr;
  std::vector<int64_t> dims;  // shape, then strides in bytes

  Holder() = default;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  // Runs with the interpreter's lock, and perhaps with an exception pending, which the producer's
  // deleter (Python code, it may be) must neither see nor clear.
  ~Holder() {
    const nb::error_scope pending;
    if (managed != nullptr && managed->deleter != nullptr) managed->deleter(managed);
    if (versioned != nullptr && versioned->deleter != nullptr) versioned->deleter(versioned);
  }
};

void delete_holder(PyObject* capsule) {
  delete static_cast<Holder*>(PyCapsule_GetPointer(capsule, kHolderName));
}

void require_host_memory(int64_t device, const char* name) {
  if (device == dlpack::kCpu || device == dlpack::kCudaHost) return;
  raise(
      PyExc_BufferError,
      "%s: its memory is on DLPack device %lld, and only the CPU's (1) and pinned host memory (3) "
      "can be read; copy it to the CPU first, with tensor.cpu() or the like",
      name, static_cast<long long>(device));
}

// Asks before the tensor is made: a producer may copy or synchronize to make one.
void check_device(PyObject* object, const char* name) {
  const nb::object method = optional_attribute(object, "__dlpack_device__");
  if (!method) {
    raise(PyExc_BufferError, "%s: %.200s has __dlpack__ but no __dlpack_device__", name,
          type_name_of(object).c_str());
  }
  const nb::object device = checked(PyObject_CallNoArgs(method.ptr()));
  if (!PyTuple_Check(device.ptr()) || PyTuple_Size(device.ptr()) != 2) {
    raise(PyExc_BufferError, "%s: __dlpack_device__ must give (type, id), not %R", name,
          device.ptr());
  }
  const nb::object type = checked(PyNumber_Index(PyTuple_GetItem(device.ptr(), 0)));
  int overflow = 0;
  require_host_memory(PyLong_AsLongLongAndOverflow(type.ptr(), &overflow), name);
}

// torch marks tensors whose values are the negatives or conjugates of their bytes, which a DLPack
// tensor cannot say.
void refuse_marks(PyObject* object, const char* name) {
  static constexpr struct {
    const char *question, *what, *way_out;
  } kMarks[] = {{"is_neg", "negatives", "resolve_neg"}, {"is_conj", "conjugates", "resolve_conj"}};
  for (const auto& [question, what, way_out] : kMarks) {
    const nb::object method = optional_attribute(object, question);
    if (!method || PyCallable_Check(method.ptr()) == 0) continue;
    const nb::object answer = checked(PyObject_CallNoArgs(method.ptr()));
    if (answer.ptr() != Py_True) continue;
    raise(PyExc_BufferError,
          "%s: its memory holds the %s of its values, which DLPack cannot say; pass "
          "tensor.%s()",
          name, what, way_out);
  }
}

// The newest form that we read; producers of before 2023 know no arguments.
nb::object request_capsule(const nb::object& method) {
  static PyObject* keyword = checked(Py_BuildValue("(s)", "max_version")).release().ptr();
  const nb::object version = checked(Py_BuildValue("(ii)", dlpack::kMajor, dlpack::kMinor));
  PyObject* arguments[] = {version.ptr()};
  PyObject* capsule = PyObject_Vectorcall(method.ptr(), arguments, 0, keyword);
  if (capsule == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) raise_current();
    PyErr_Clear();
    capsule = PyObject_CallNoArgs(method.ptr());
  }
  return checked(capsule);
}

// Moves the capsule's tensor into `holder`. Between the steal and the new name nothing can fail:
// if both the capsule and we owned the tensor, it would be freed twice.
void take(PyObject* capsule, const char* name, Holder* holder) {
  if (PyCapsule_IsValid(capsule, dlpack::kVersionedCapsule)) {
    void* tensor = PyCapsule_GetPointer(capsule, dlpack::kVersionedCapsule);
    if (PyCapsule_SetName(capsule, dlpack::kUsedVersionedCapsule) != 0) raise_current();
    holder->versioned = static_cast<ManagedVersioned*>(tensor);
  } else if (PyCapsule_IsValid(capsule, dlpack::kCapsule)) {
    void* tensor = PyCapsule_GetPointer(capsule, dlpack::kCapsule);
    if (PyCapsule_SetName(capsule, dlpack::kUsedCapsule) != 0) raise_current();
    holder->managed = static_cast<Managed*>(tensor);
  } else if (PyCapsule_IsValid(capsule, dlpack::kUsedVersionedCapsule) ||
             PyCapsule_IsValid(capsule, dlpack::kUsedCapsule)) {
    raise(
        PyExc_BufferError,
        "%s: __dlpack__ gave a capsule that somebody has consumed already; it must make a new one "
        "for every call",
        name);
  } else {
    raise(PyExc_BufferError, "%s: __dlpack__ gave %.200s, not a capsule with a DLPack tensor", name,
          type_name_of(capsule).c_str());
  }
}

[[noreturn]] void raise_too_large(const char* name) {
  raise(PyExc_BufferError, "%s: its DLPack tensor claims more bytes than can be addressed", name);
}

// Shape and strides in bytes, with every claim checked that can be.
std::vector<int64_t> dims_of(const Tensor& tensor, int64_t itemsize, const char* name) {
  const int ndim = tensor.ndim;
  if (ndim < 0 || ndim > kMaxDims) {
    raise(PyExc_BufferError, "%s has %d dimensions, at most %d are supported", name, ndim,
          kMaxDims);
  }
  if (ndim > 0 && tensor.shape == nullptr) {
    raise(PyExc_BufferError, "%s: its DLPack tensor has no shape", name);
  }
  std::vector<int64_t> dims(2 * static_cast<size_t>(ndim));
  int64_t bytes = itemsize;
  for (int k = ndim - 1; k >= 0; --k) {
    const int64_t n = tensor.shape[k];
    if (n < 0) raise(PyExc_BufferError, "%s: its DLPack tensor claims a negative size", name);
    dims[size_t(k)] = n;
    int64_t& stride = dims[size_t(ndim + k)];
    stride = bytes;
    if (tensor.strides != nullptr && __builtin_mul_overflow(tensor.strides[k], itemsize, &stride)) {
      raise_too_large(name);
    }
    if (__builtin_mul_overflow(bytes, n == 0 ? 1 : n, &bytes)) raise_too_large(name);
  }
  return dims;
}

// Where the first item is. The claimed bytes must not wrap around the end of the address space.
char* data_of(const Tensor& tensor, const Layout& layout, const char* name) {
  static char nothing = 0;  // an address for tensors without items, whose data may be null
  if (layout.size() == 0) return &nothing;
  if (tensor.data == nullptr) {
    raise(PyExc_BufferError, "%s: its DLPack tensor has items but no data", name);
  }
  const Extent extent = layout.extent();
  constexpr auto kEnd = std::numeric_limits<int64_t>::max();
  int64_t first = 0;
  int64_t low = 0;
  int64_t high = 0;
  if (tensor.byte_offset > uint64_t{kEnd} ||
      reinterpret_cast<uintptr_t>(tensor.data) > uintptr_t{kEnd} ||
      __builtin_add_overflow(static_cast<int64_t>(reinterpret_cast<uintptr_t>(tensor.data)),
                             static_cast<int64_t>(tensor.byte_offset), &first) ||
      __builtin_add_overflow(first, extent.lowest, &low) || low <= 0 ||
      __builtin_add_overflow(first, extent.highest, &high)) {
    raise_too_large(name);
  }
  return static_cast<char*>(tensor.data) + tensor.byte_offset;
}

void describe(Holder* holder, nb::object owner, const char* name, BufferView* view) {
  const bool versioned = holder->versioned != nullptr;
  if (versioned && holder->versioned->version.major != dlpack::kMajor) {
    // Another layout: nothing but the version and the deleter may be looked at.
    raise(PyExc_BufferError, "%s: its DLPack tensor has version %u, and only version %u is read",
          name, holder->versioned->version.major, dlpack::kMajor);
  }
  const uint64_t flags = versioned ? holder->versioned->flags : 0;
  const Tensor& tensor = versioned ? holder->versioned->tensor : holder->managed->tensor;
  require_host_memory(tensor.device.type, name);
  FormatRef format = format_of_dlpack(tensor.dtype, (flags & dlpack::kSubbytePadded) != 0, name);
  holder->dims = dims_of(tensor, format->itemsize(), name);
  const auto ndim = static_cast<size_t>(tensor.ndim);
  const auto strides = holder->dims.begin() + tensor.ndim;
  const Layout layout =
      Layout::strided(*format, {holder->dims.begin(), strides}, {strides, holder->dims.end()});
  // The old protocol cannot say that memory is read-only; better to be told than to write there.
  const bool readonly = !versioned || (flags & dlpack::kReadOnly) != 0;
  char* data = data_of(tensor, layout, name);
  view->keep(std::move(owner));
  view->set(std::move(format), data, tensor.ndim, holder->dims.data(), holder->dims.data() + ndim,
            readonly);
}

}  // namespace

bool read_dlpack(PyObject* object, const char* name, BufferView* view) {
  if (PyType_Check(object)) return false;  // a class, whose methods have no tensor
  const nb::object method = optional_attribute(object, "__dlpack__");
  if (!method) return false;
  check_device(object, name);
  refuse_marks(object, name);
  const nb::object capsule = request_capsule(method);
  // The holder, and the object that keeps it, exist before there is a tensor to hold.
  auto holder = std::make_unique<Holder>();
  nb::object owner = checked(PyCapsule_New(holder.get(), kHolderName, delete_holder));
  Holder* held = holder.release();
  take(capsule.ptr(), name, held);
  describe(held, std::move(owner), name, view);
  return true;
}

}  // namespace stridecast::python
