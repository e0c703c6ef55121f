// What can go wrong, as one exception type with a code. Creating a Format, Layout or Plan throws
// it; running a plan reports a RunStatus (plan.h) and throws only in the convenience wrapper.
#ifndef STRIDECAST_ERROR_H_
#define STRIDECAST_ERROR_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// What kind of thing went wrong.
enum class ErrorCode : uint8_t {
  kFormat,           ///< a format text is malformed; kind() and position() say how and where
  kUnknownType,      ///< a format names a type that nobody has registered
  kNoConversion,     ///< both formats are fine, but nothing converts one to the other
  kInvalidArgument,  ///< a shape, stride, axis or option makes no sense
  kBuffer,           ///< an operand is read-only, too small, or overlaps another one
  kData,             ///< an element breaks the rule that the options ask to enforce
  kOutOfMemory,      ///< a workspace could not be had
};

/// The one exception of the library.
///
///     try {
///       Format::parse("i<");
///     } catch (const stridecast::Error& e) {
///       e.kind();      // "dangling-prefix"
///       e.position();  // 1
///     }
class STRIDECAST_API Error : public std::runtime_error {
 public:
  /// An error without kind and position.
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// An error at a position; what() is `message`.
  Error(ErrorCode code, std::string kind, int64_t position, const std::string& message)
      : std::runtime_error(message), code_(code), kind_(std::move(kind)), position_(position) {}

  /// What kind of thing went wrong.
  ErrorCode code() const noexcept { return code_; }
  /// For formats: a stable word such as "unclosed"; for data errors: "refused" if a kernel of a
  /// registered type said so, "unequal" under Casting::kSameValue, "text" for characters beyond
  /// ASCII; empty otherwise.
  const std::string& kind() const noexcept { return kind_; }
  /// For formats: the byte in the text where the error is; for data errors: the logical (C order)
  /// index of the element; -1 otherwise.
  int64_t position() const noexcept { return position_; }

 private:
  ErrorCode code_;
  std::string kind_;
  int64_t position_ = -1;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_ERROR_H_
