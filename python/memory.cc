// Memory, a plain CPython type: it is made once for every fresh result, so it stays small. See
// memory.h.
#include "python/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "python/errors.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace stridecast::python {
namespace {

struct Memory {
  PyObject base;
  Py_buffer view;   // of an exporter: view.obj is set
  PyObject* owner;  // of an ndarray, else null
  void* bytes;      // our own, else null
};

PyTypeObject* memory_type = nullptr;  // written once, at import

constexpr size_t kAlignment = 64;
// From here on an allocation is made of huge pages, if the system likes: page faults of 4 KiB cost
// more than converting what the page holds.
constexpr int64_t kHugeFrom = int64_t{4} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

Memory* as_memory(PyObject* self) { return reinterpret_cast<Memory*>(self); }

// No tp_clear: the data must stay until the last Buffer lets go, so cycles are broken there.
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_memory(self)->view.obj);
  Py_VISIT(as_memory(self)->owner);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Memory* memory = as_memory(self);
  PyBuffer_Release(&memory->view);  // does nothing without view.obj
  Py_XDECREF(memory->owner);
  std::free(memory->bytes);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

Memory* new_memory() {
  Memory* memory = PyObject_GC_New(Memory, memory_type);
  if (memory == nullptr) raise_current();
  memory->view.obj = nullptr;
  memory->owner = nullptr;
  memory->bytes = nullptr;
  return memory;
}

nb::object finish(Memory* memory) { return nb::steal(reinterpret_cast<PyObject*>(memory)); }

}  // namespace

void bind_memory(nb::module_&) {
  static PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("Keeps the bytes of a Buffer alive.")},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {0, nullptr}};
  static PyType_Spec spec = {"stridecast._core._Memory", sizeof(Memory), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                             slots};
  memory_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
}

nb::object memory_of_view(const Py_buffer& view) {
  Memory* memory = new_memory();
  memory->view = view;
  PyObject_GC_Track(memory);
  return finish(memory);
}

nb::object memory_of_object(nb::handle owner) {
  Memory* memory = new_memory();
  memory->owner = owner.inc_ref().ptr();
  PyObject_GC_Track(memory);
  return finish(memory);
}

nb::object memory_of_size(int64_t size, bool zeroed, char** data) {
  Memory* memory = new_memory();
  nb::object result = finish(memory);
  const auto bytes = static_cast<size_t>(size);
  size_t skip = 0;
  if (size >= kHugeFrom) {
    if (posix_memalign(&memory->bytes, kHugePage, bytes) != 0) memory->bytes = nullptr;
  } else {
    // malloc has small blocks at hand, posix_memalign has not.
    memory->bytes = std::malloc(bytes + kAlignment);
    skip = (0 - reinterpret_cast<uintptr_t>(memory->bytes)) % kAlignment;
  }
  if (memory->bytes == nullptr) {
    raise(PyExc_MemoryError, "no memory for a result of %lld bytes", static_cast<long long>(size));
  }
#if defined(MADV_HUGEPAGE)
  if (size >= kHugeFrom) madvise(memory->bytes, bytes, MADV_HUGEPAGE);
#endif
  *data = static_cast<char*>(memory->bytes) + skip;
  if (zeroed) std::memset(*data, 0, bytes);
  return result;
}

}  // namespace stridecast::python
