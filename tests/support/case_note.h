// What a test is doing right now, in a form that costs nothing until it is needed: a few pointers
// and numbers. Failure messages print it, and so does a crash against a guard page, which would
// otherwise name neither kernel nor length.
#ifndef STRIDECAST_TESTS_SUPPORT_CASE_NOTE_H_
#define STRIDECAST_TESTS_SUPPORT_CASE_NOTE_H_

#include <cstdint>
#include <ostream>

namespace stridecast::testing {

struct CaseNote {
  const char* target = "";
  const char* what = "";  // of static storage, as is `from` and `to`: a kernel's name, a mode
  const char* from = "";
  const char* to = "";
  int64_t length = 0, gap = 0;
  uint64_t seed = 0;
};

/// The case in progress. A SIGSEGV or SIGBUS prints it before the process dies.
CaseNote& note();

std::ostream& operator<<(std::ostream& out, const CaseNote& note);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_CASE_NOTE_H_
