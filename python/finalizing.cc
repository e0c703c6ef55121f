// See finalizing.h. Python's stable ABI has Py_IsFinalizing from 3.13 on, and PyGILState_Check
// never, so a wheel for the stable ABI looks them up by name, once, in the process that it was
// loaded into.
#include "python/finalizing.h"

#include <Python.h>
#include <dlfcn.h>

namespace stridecast::python {
namespace {

using Question = int (*)();

// The first of the functions that this Python has; null if it has none.
Question find(const char* name, const char* older = nullptr) {
  void* found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr && older != nullptr) found = dlsym(RTLD_DEFAULT, older);
  return reinterpret_cast<Question>(found);
}

}  // namespace

bool is_finalizing() {
  static const Question ask = find("Py_IsFinalizing", "_Py_IsFinalizing");
  return ask != nullptr && ask() != 0;
}

bool holds_gil() {
  static const Question ask = find("PyGILState_Check");
  // A Python without that function: a thread that it knows holds the lock, or is about to.
  return ask != nullptr ? ask() != 0 : PyGILState_GetThisThreadState() != nullptr;
}

}  // namespace stridecast::python
