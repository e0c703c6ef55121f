// Runs a test once per SIMD target: for kernels with the target's table as the parameter, for the
// engine with the target chosen by set_target() while the test runs. registry_test.cc fails where
// there is no target at all, since a parameterised test without values would silently not run.
#ifndef STRIDECAST_TESTS_SUPPORT_TARGET_PARAM_H_
#define STRIDECAST_TESTS_SUPPORT_TARGET_PARAM_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "stridecast/runtime.h"
#include "tests/support/case_note.h"

namespace stridecast::testing {

inline std::vector<const kernels::KernelTable*> all_tables() {
  const auto tables = kernels::tables();
  return {tables.begin(), tables.end()};
}

inline std::string table_name(const ::testing::TestParamInfo<const kernels::KernelTable*>& info) {
  return info.param->target;
}

/// TEST_P(MyKernelTest, ...) { table().convert...; }
class KernelTest : public ::testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  const kernels::KernelTable& table() const { return *GetParam(); }
  void SetUp() override {
    ASSERT_NE(GetParam(), nullptr);
    note() = {.target = table().target};
  }
};

/// TEST_P(MyEngineTest, ...) { Plan::convert(...) uses this target's kernels. }
class EngineTest : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    set_target(table().target);
    ASSERT_STREQ(active_target(), table().target);
  }
  void TearDown() override { set_target(""); }
};

#define STRIDECAST_INSTANTIATE_FOR_TARGETS(suite)                                    \
  INSTANTIATE_TEST_SUITE_P(Targets, suite,                                           \
                           ::testing::ValuesIn(::stridecast::testing::all_tables()), \
                           ::stridecast::testing::table_name)

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_TARGET_PARAM_H_
