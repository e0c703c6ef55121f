// Error: what it carries, and that every message names what and where.

#include "stridecast/error.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "stridecast/stridecast.h"

namespace stridecast::testing {
namespace {

TEST(ErrorTest, CarriesCodeKindAndPosition) {
  const Error plain(ErrorCode::kBuffer, "the source is read-only");
  EXPECT_EQ(plain.code(), ErrorCode::kBuffer);
  EXPECT_STREQ(plain.what(), "the source is read-only");
  EXPECT_EQ(plain.kind(), "");
  EXPECT_EQ(plain.position(), -1);
  const Error format(ErrorCode::kFormat, "unclosed", 3, "text");
  EXPECT_EQ(format.kind(), "unclosed");
  EXPECT_EQ(format.position(), 3);
}

TEST(ErrorTest, IsARuntimeError) {
  try {
    throw Error(ErrorCode::kData, "", 7, "element 7");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "element 7");
  }
}

TEST(ErrorTest, FormatErrorsSayKindAndPosition) {
  try {
    Format::parse("T{i:a:");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    EXPECT_NE(error.kind(), "");
    EXPECT_GE(error.position(), 0);
    EXPECT_LE(error.position(), 6);
  }
}

TEST(ErrorTest, AStatusThatSucceededIsNoCrash) {
  const Layout layout = Layout::contiguous(Format::of(DType::kInt8), {1});
  const Plan plan = Plan::convert(layout, layout);
  EXPECT_NE(std::string(plan.status_error(RunStatus{}).what()), "");
}

TEST(ErrorTest, EveryStatusHasItsCode) {
  const Layout src = Layout::contiguous(Format::of(DType::kFloat32), {4});
  const Layout dst = Layout::contiguous(Format::of(DType::kInt8), {4});
  const Plan plan = Plan::convert(src, dst, {.overflow = Overflow::kRaise});
  const auto code = [&](StatusCode status_code, int64_t index) {
    RunStatus status;
    status.code = status_code;
    status.index = index;
    status.field = 0;
    const Error error = plan.status_error(status);
    EXPECT_NE(std::string(error.what()), "");
    return error.code();
  };
  EXPECT_EQ(code(StatusCode::kDataError, 2), ErrorCode::kData);
  EXPECT_EQ(code(StatusCode::kOverlap, -1), ErrorCode::kBuffer);
  EXPECT_EQ(code(StatusCode::kTooSmall, 0), ErrorCode::kBuffer);
  EXPECT_EQ(code(StatusCode::kTooSmall, 1), ErrorCode::kBuffer);
  EXPECT_EQ(code(StatusCode::kOutOfMemory, -1), ErrorCode::kOutOfMemory);
}

TEST(ErrorTest, VersionIsThatOfTheHeaders) {
  EXPECT_EQ(std::string(version()), std::to_string(STRIDECAST_VERSION_MAJOR) + "." +
                                        std::to_string(STRIDECAST_VERSION_MINOR) + "." +
                                        std::to_string(STRIDECAST_VERSION_PATCH));
  EXPECT_FALSE(build_info().empty());
}

}  // namespace
}  // namespace stridecast::testing
