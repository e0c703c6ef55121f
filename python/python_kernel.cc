// C functions and callables as kernels; see python_kernel.h.
#include "python/python_kernel.h"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "python/classes.h"
#include "python/ctypes_format.h"
#include "python/errors.h"
#include "python/numpy_view.h"

namespace stridecast::python {
namespace {

// The capsule that C extensions hand over.
constexpr const char* kCapsuleName = "stridecast.sc_kernel";

// What the trampoline calls; sc_run.params of its kernels. Lives for good.
struct Callable {
  nb::object function, src_dtype, dst_dtype;
};

// What a callable raised, kept until the run has come back to Python.
thread_local std::unique_ptr<nb::python_error> pending;

// A fresh array that holds `items` items of `dtype` from `data`: the callable may keep it.
nb::object array_of(const Callable& callable, const void* data, int64_t items) {
  nb::module_ numpy = nb::module_::import_("numpy");
  nb::object array = numpy.attr("empty")(items, callable.src_dtype);
  std::memcpy(array_data(array), data,
              static_cast<size_t>(items * itemsize_of(callable.src_dtype)));
  return array;
}

// Whether numbers of one dtype may stand for those of another: whatever keeps the kind of number,
// and integers for integers, since those of plain lists are signed.
bool is_acceptable(nb::handle numpy, nb::handle from, nb::handle to) {
  const auto is_integer = [](nb::handle dtype) {
    const auto kind = nb::cast<nb::str>(dtype.attr("kind"));
    return *kind.c_str() == 'i' || *kind.c_str() == 'u';
  };
  return (is_integer(from) && is_integer(to)) ||
         nb::cast<bool>(numpy.attr("can_cast")(from, to, "same_kind"));
}

// What the callable returned, as packed items of the destination.
nb::object result_array(const Callable& callable, nb::handle given, int64_t items) {
  nb::module_ numpy = nb::module_::import_("numpy");
  nb::object array = numpy.attr("asarray")(given);
  const auto size = nb::cast<int64_t>(array.attr("size"));
  if (size != items) {
    raise(PyExc_ValueError, "the conversion returned %lld items for %lld",
          static_cast<long long>(size), static_cast<long long>(items));
  }
  if (!is_acceptable(numpy, array.attr("dtype"), callable.dst_dtype)) {
    raise(PyExc_TypeError, "the conversion returned items of dtype %R, not %R",
          nb::object(array.attr("dtype")).ptr(), callable.dst_dtype.ptr());
  }
  return numpy.attr("ascontiguousarray")(array, callable.dst_dtype);
}

void call(const Callable& callable, const sc_run& run) {
  const int64_t items = run.n[1];
  nb::object given = callable.function(array_of(callable, run.src, items));
  nb::object result = result_array(callable, given, items);
  std::memcpy(run.dst, array_data(result),
              static_cast<size_t>(items * itemsize_of(callable.dst_dtype)));
}

// Conversions in callables in conversions: each level takes some sixteen kilobytes of the C stack,
// of which a thread may have no more than 512.
constexpr int kMaxDepth = 16;
thread_local int depth = 0;

class Nested {
 public:
  Nested() {
    if (depth >= kMaxDepth) {
      raise(PyExc_RecursionError, "conversions by callables are nested more than %d deep",
            kMaxDepth);
    }
    if (Py_EnterRecursiveCall(" in a conversion by a callable") != 0) raise_current();
    ++depth;
  }
  ~Nested() {
    --depth;
    Py_LeaveRecursiveCall();
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
};

uint32_t trampoline(const sc_run* run) {
  // What was raised ends the run, and is what the run raises: callables may have side effects, and
  // may convert themselves, so that none is asked twice.
  constexpr uint32_t kStopped = uint32_t{SC_ERR_USER} | SC_ERR_STOP;
  const PyGILState_STATE state = PyGILState_Ensure();
  uint32_t errors = 0;
  if (pending) {
    errors = kStopped;
  } else {
    try {
      const Nested nested;
      call(*static_cast<const Callable*>(run->params), *run);
    } catch (...) {
      set_python_error();
      pending = std::make_unique<nb::python_error>();
      errors = kStopped;
    }
  }
  PyGILState_Release(state);
  return errors;
}

// One Callable for equal facts, so that registering twice is seen to be the same.
const Callable* callable_for(nb::handle function, nb::handle src, nb::handle dst) {
  using Key = std::tuple<PyObject*, Py_hash_t, Py_hash_t>;
  static nb::ft_mutex& mutex = *new nb::ft_mutex;
  static auto& known = *new std::map<Key, std::unique_ptr<const Callable>>;
  const Key key(function.ptr(), nb::hash(src), nb::hash(dst));
  nb::ft_lock_guard lock(mutex);
  std::unique_ptr<const Callable>& slot = known[key];
  if (!slot) {
    slot.reset(new Callable{nb::borrow(function), nb::borrow(src), nb::borrow(dst)});
  }
  return slot.get();
}

void keep_for_good(nb::handle object) {
  static nb::ft_mutex& mutex = *new nb::ft_mutex;
  static auto& kept = *new std::set<PyObject*>;
  nb::ft_lock_guard lock(mutex);
  if (kept.insert(object.ptr()).second) Py_INCREF(object.ptr());
}

bool is_from(nb::handle object, std::string_view module_prefix) {
  nb::object module = nb::getattr(object.type(), "__module__", nb::none());
  return PyUnicode_Check(module.ptr()) &&
         std::string_view(nb::str(module).c_str()).starts_with(module_prefix);
}

bool is_cffi_pointer(nb::handle object) { return is_from(object, "_cffi_backend"); }
bool is_numba_function(nb::handle object) {
  return is_from(object, "numba.") && nb::hasattr(object, "address");
}

// The address of a C function in `object`; none if it holds no such thing.
std::optional<uintptr_t> address_of(nb::handle object) {
  if (PyCapsule_CheckExact(object.ptr())) {
    void* pointer = PyCapsule_GetPointer(object.ptr(), kCapsuleName);
    if (pointer == nullptr) raise_current();
    return reinterpret_cast<uintptr_t>(pointer);
  }
  if (is_ctypes_function(object.ptr())) {
    nb::module_ ctypes = nb::module_::import_("ctypes");
    nb::object address = ctypes.attr("cast")(object, ctypes.attr("c_void_p")).attr("value");
    return address.is_none() ? 0 : nb::cast<uintptr_t>(address);
  }
  if (is_cffi_pointer(object)) {
    nb::object ffi = nb::module_::import_("_cffi_backend").attr("FFI")();
    const std::string kind = nb::cast<nb::str>(ffi.attr("typeof")(object).attr("kind")).c_str();
    if (kind != "function" && kind != "pointer") {
      raise(PyExc_TypeError, "a kernel must be a function pointer, not %R", object.ptr());
    }
    return nb::cast<uintptr_t>(nb::int_(ffi.attr("cast")("uintptr_t", object)));
  }
  if (is_numba_function(object)) {
    return nb::cast<uintptr_t>(object.attr("address"));
  }
  return std::nullopt;
}

}  // namespace

bool is_c_function(nb::handle object) {
  return PyCapsule_CheckExact(object.ptr()) || is_ctypes_function(object.ptr()) ||
         is_cffi_pointer(object) || is_numba_function(object);
}

ForeignKernel kernel_of(nb::handle object, nb::handle src, nb::handle dst) {
  if (const std::optional<uintptr_t> address = address_of(object)) {
    if (*address == 0) raise(PyExc_ValueError, "a kernel is a null pointer: %R", object.ptr());
    keep_for_good(object);  // its code must outlive every plan
    return {reinterpret_cast<sc_kernel>(*address), nullptr, 0};
  }
  if (!PyCallable_Check(object.ptr())) {
    raise(PyExc_TypeError,
          "a kernel must be a C function from ctypes, cffi or numba.cfunc, a capsule named "
          "'%s', or a callable on arrays, not %.200s",
          kCapsuleName, type_name_of(object).c_str());
  }
  return {trampoline, callable_for(object, src, dst), SC_NEEDS_GIL};
}

bool restore_callable_error(const char* message) {
  const std::unique_ptr<nb::python_error> error = std::move(pending);
  if (!error) return false;
  if (message != nullptr) {
    nb::object value = nb::borrow(error->value());
    if (nb::hasattr(value, "add_note")) value.attr("add_note")(message);
  }
  error->restore();
  return true;
}

}  // namespace stridecast::python
