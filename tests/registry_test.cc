// The tables themselves: the targets that were meant to be compiled are, those that the CPU
// supports are offered, every table is complete, and a choice of target takes effect.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "stridecast/error.h"
#include "stridecast/runtime.h"
#include "tests/reference/element.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

int at(DType type) { return static_cast<int>(type); }

std::vector<std::string> compiled() {
  const auto names = kernels::compiled_targets();
  return {names.begin(), names.end()};
}

TEST(RegistryTest, ThereIsATarget) {
  ASSERT_FALSE(kernels::tables().empty());
  for (const kernels::KernelTable* table : kernels::tables()) ASSERT_NE(table, nullptr);
}

// What the build asked for is what the compiler made: Highway drops targets silently where a
// compiler is too old for them.
TEST(RegistryTest, CompiledTargetsAreThoseAskedFor) {
#ifdef STRIDECAST_EXPECTED_TARGETS
  std::vector<std::string> expected;
  std::istringstream words(STRIDECAST_EXPECTED_TARGETS);
  for (std::string word; words >> word;) expected.push_back(word);
  std::vector<std::string> got = compiled();
  std::sort(expected.begin(), expected.end());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, expected);
#else
  EXPECT_FALSE(compiled().empty());
#endif
}

TEST(RegistryTest, TablesAreCompiledTargetsBestFirst) {
  const std::vector<std::string> all = compiled();
  auto last = all.begin();
  for (const kernels::KernelTable* table : kernels::tables()) {
    const auto found = std::find(last, all.end(), table->target);
    ASSERT_NE(found, all.end()) << table->target << " is not compiled, or out of order";
    last = found + 1;
    EXPECT_EQ(kernels::find_table(table->target), table);
  }
  EXPECT_EQ(kernels::find_table("NO_SUCH_TARGET"), nullptr);
  EXPECT_EQ(kernels::find_table(""), nullptr);
}

TEST(RegistryTest, NamesOfTheRuntimeAreThoseOfTheTables) {
  std::vector<std::string> names;
  for (const kernels::KernelTable* table : kernels::tables()) names.emplace_back(table->target);
  EXPECT_EQ(targets(), names);
}

// ctest runs this once more with STRIDECAST_TARGET set to the last choice.
TEST(RegistryTest, EnvironmentChoosesTheTarget) {
  const char* wanted = std::getenv("STRIDECAST_TARGET");
  if (wanted == nullptr || *wanted == '\0') {
    EXPECT_EQ(active_target(), targets().front());
  } else if (kernels::find_table(wanted) != nullptr) {
    EXPECT_STREQ(active_target(), wanted);
  } else {
    EXPECT_THROW(active_target(), Error);
  }
}

TEST(RegistryTest, SetTargetChoosesAndReturns) {
  const std::string before = active_target();
  for (const std::string& name : targets()) {
    set_target(name);
    EXPECT_EQ(active_target(), name);
  }
  set_target("");
  EXPECT_EQ(active_target(), before);
}

TEST(RegistryTest, AnUnknownTargetIsAnErrorThatNamesTheChoices) {
  const std::string before = active_target();
  try {
    set_target("Z80");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("Z80"), std::string::npos) << error.what();
    for (const std::string& name : targets()) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(active_target(), before);
}

class CompletenessTest : public KernelTest {};

// The engine may not meet a hole: what each table must have, whatever the target.
TEST_P(CompletenessTest, KernelsThatRoutesAreMadeOf) {
  using enum DType;
  for (DType from : {kFloat32, kFloat64}) {
    for (DType to : reference::kTypes) {
      if (from == to) continue;
      EXPECT_NE(table().convert[at(from)][at(to)].run, nullptr)
          << reference::name(from) << " -> " << reference::name(to);
    }
  }
  for (DType from : reference::kTypes) {
    if (from != kBool) {
      EXPECT_NE(table().convert[at(from)][at(kBool)].run, nullptr) << reference::name(from);
      EXPECT_NE(table().convert[at(kBool)][at(from)].run, nullptr) << reference::name(from);
    }
    if (from != kFloat32 && from != kBool) {
      EXPECT_NE(table().convert[at(from)][at(kFloat32)].run, nullptr) << reference::name(from);
    }
    if (from != kFloat64 && from != kBool) {
      EXPECT_NE(table().convert[at(from)][at(kFloat64)].run, nullptr) << reference::name(from);
    }
  }
}

TEST_P(CompletenessTest, EveryEntryHasAName) {
  const auto check = [&](const sc_entry& entry) {
    if (entry.run == nullptr) return;
    ASSERT_NE(entry.name, nullptr);
    EXPECT_NE(std::string(entry.name), "");
  };
  for (int i = 0; i < kernels::kMoveSizes; ++i) {
    check(table().move[i]);
    check(table().move_swap[i]);
  }
  for (int i = 0; i < kNumArithmetic; ++i) {
    for (int k = 0; k < kNumArithmetic; ++k) {
      check(table().convert[i][k]);
      check(table().saturate[i][k]);
    }
    check(table().check[i]);
    check(table().clamp[i]);
  }
}

// Two targets that share a kernel's address would mean that one of them was never compiled for
// itself.
TEST(RegistryTest, TargetsHaveKernelsOfTheirOwn) {
  const auto tables = kernels::tables();
  for (size_t i = 0; i < tables.size(); ++i) {
    for (size_t k = i + 1; k < tables.size(); ++k) {
      EXPECT_NE(tables[i]->move[0].run, tables[k]->move[0].run);
      EXPECT_NE(tables[i]->target_bit, tables[k]->target_bit);
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(CompletenessTest);

}  // namespace
}  // namespace stridecast::testing
