#include "tests/support/case_note.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "tests/support/sanitizers.h"

namespace stridecast::testing {
namespace {

CaseNote current;

int format(char* text, size_t size, const CaseNote& n) {
  return std::snprintf(text, size, "%s %s %s -> %s, length %lld, gap %lld, seed %llu", n.target,
                       n.what, n.from, n.to, static_cast<long long>(n.length),
                       static_cast<long long>(n.gap), static_cast<unsigned long long>(n.seed));
}

// Sanitizers bring their own handlers and say more.
#if !defined(STRIDECAST_TEST_ASAN) && !defined(STRIDECAST_TEST_TSAN)
// snprintf of strings and integers is safe enough on the way out of a dying test.
extern "C" void on_crash(int signal_number, siginfo_t* info, void*) {
  char text[512], line[640];
  format(text, sizeof text, current);
  const int size = std::snprintf(line, sizeof line, "\nsignal %d at address %p in: %s\n",
                                 signal_number, info->si_addr, text);
  if (write(STDERR_FILENO, line, static_cast<size_t>(size)) < 0) _exit(1);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

[[maybe_unused]] const bool installed = [] {
  struct sigaction action = {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND);
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  return true;
}();
#endif

}  // namespace

CaseNote& note() { return current; }

std::ostream& operator<<(std::ostream& out, const CaseNote& n) {
  char text[512];
  format(text, sizeof text, n);
  return out << text;
}

}  // namespace stridecast::testing
