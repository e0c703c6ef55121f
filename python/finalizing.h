// What a thread must know about the interpreter before it asks for the interpreter's lock. CPython
// has functions for both questions, but not all of them in its stable ABI.
#ifndef STRIDECAST_PYTHON_FINALIZING_H_
#define STRIDECAST_PYTHON_FINALIZING_H_

namespace stridecast::python {

/// Whether the interpreter is ending: a thread that waits for its lock now will never get it. May
/// be asked without the lock.
bool is_finalizing();

/// Whether this thread holds the interpreter's lock.
bool holds_gil();

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_FINALIZING_H_
