// Plan: which kernels run over which loops to take one layout to another. Making a plan checks
// everything and may throw; running it takes pointers, is const and thread-safe, and can fail for
// the reasons of StatusCode only.
#ifndef STRIDECAST_PLAN_H_
#define STRIDECAST_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "stridecast/datetime.h"
#include "stridecast/export.h"
#include "stridecast/layout.h"
#include "stridecast/time_field.h"

namespace stridecast {
inline namespace v0 {

/// What a value that does not fit becomes. kDefault is the family's default: wrap for numbers,
/// raise for times, which never wrap. kNat, of destinations of times: NaT.
enum class Overflow : uint8_t { kDefault, kWrap, kSaturate, kRaise, kNat };
/// What a text that is no time becomes: an error that says where, or NaT.
enum class TextErrors : uint8_t { kRaise, kNat };
/// Which conversions are allowed, as NumPy names them: all; those within a kind; those that lose
/// nothing by their types; all, but a value without an equal in the destination is an error.
enum class Casting : uint8_t { kUnsafe, kSameKind, kSafe, kSameValue };
/// What a real number is made of a complex one.
enum class ComplexToReal : uint8_t { kRealPart, kMagnitude };
/// What NaN becomes in an integer. kDefault follows Overflow: wrap gives the low bits of INT64_MIN,
/// saturate gives 0, raise reports it.
enum class NanPolicy : uint8_t { kDefault, kRaise };
/// How the fields of two structs are paired. kAuto: by name if every destination leaf has one, else
/// by position.
enum class FieldMatch : uint8_t { kAuto, kName, kPosition };

/// What becomes of fields that only one of two structs has, where fields pair by name: an error, or
/// the destination's are zeroed and the source's left out.
enum class MissingFields : uint8_t { kError, kZero };

/// How values become others; docs/numeric_policy.md says what each choice yields. The defaults are
/// those of a C cast, as NumPy's astype has them.
///
///     Plan::convert(src, dst, {.overflow = Overflow::kSaturate, .rounding =
///     Rounding::kNearestEven});
struct ConvertOptions {
  Overflow overflow = Overflow::kDefault;  ///< of values outside the destination's range
  NanPolicy nan = NanPolicy::kDefault;     ///< of NaN in integers
  FieldMatch fields = FieldMatch::kAuto;   ///< of structs
  /// Logical index of the first item, for data converted in pieces: of errors and random numbers.
  int64_t index_offset = 0;
  MissingFields missing_fields = MissingFields::kError;  ///< of structs whose fields pair by name
  Rounding rounding = Rounding::kDefault;  ///< of values between two of the destination
  uint64_t seed = 0;                       ///< of Rounding::kStochastic
  Casting casting = Casting::kUnsafe;      ///< which pairs of types are allowed
  ComplexToReal complex_to_real = ComplexToReal::kRealPart;  ///< of complex sources, real results
  TextErrors text_errors = TextErrors::kRaise;               ///< of texts that become times
  bool utc_suffix = false;  ///< of times that become texts: a 'Z' behind them
};

/// One element of any type, as its bytes in the machine's order.
struct ElementBytes {
  std::array<std::byte, 16> bytes = {};  ///< of which the first `size` count
  int size = 0;                          ///< 0 to 16; 0 is no element

  /// The element whose bytes `value` has.
  ///
  ///     ElementBytes::of(int16_t{-9999})
  template <class T>
  static ElementBytes of(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
    ElementBytes element;
    std::memcpy(element.bytes.data(), &value, sizeof(T));
    element.size = sizeof(T);
    return element;
  }
};

/// How stored numbers and what they stand for belong together: stored * scale + offset.
struct Scaling {
  /// One value, or one for each index of `axis`; finite.
  std::vector<double> scale = {1.0};
  /// The same, added after the scale has multiplied.
  std::vector<double> offset = {0.0};
  /// Of the destination, which axis the values belong to; negative ones count from the last. It
  /// matters only where there are several values.
  int axis = -1;
  /// Stored elements that stand for missing ones: up to 8 of the source's type to decode, at most
  /// one of the destination's to encode.
  std::vector<ElementBytes> missing = {};
  /// kFloat32 or kFloat64, which every operation rounds to. kOpaque: the destination's type if it
  /// is one of them, else float64.
  DType compute = DType::kOpaque;
};

/// What a reduction finds of the items that it folds.
///
/// Minima and maxima are NaN (NaT) if there is one, and -0.0 is less than +0.0; complex numbers
/// compare by real part, then by imaginary part. kMinMax gives both in one pass: its destination
/// has one more axis in front, of size 2. kArgmin and kArgmax give the index of the first smallest
/// or largest item, or of the first NaN (NaT), along the folded axis; of several axes, in their C
/// order. kAny, kAll and the count ask which items are not 0 (NaN is not). kVar is the mean of the
/// squared distances from the mean, kStd its root. kNorm1 is the sum of the absolute values,
/// kNorm2 the root of the sum of their squares, kNormInf the largest.
enum class ReduceOp : uint8_t {
  kSum,
  kProd,
  kMin,
  kMax,
  kMinMax,
  kArgmin,
  kArgmax,
  kAny,
  kAll,
  kCountNonzero,
  kMean,
  kVar,
  kStd,
  kNorm1,
  kNorm2,
  kNormInf,
};
/// How many operations there are.
inline constexpr int kNumReduceOps = 16;

/// NumPy's name of it: "count_nonzero".
STRIDECAST_API const char* reduce_name(ReduceOp op) noexcept;

/// How floats are added up. kPairwise: a tree, fixed by shape and axes alone, of which the error
/// grows with the logarithm of their number. kCompensated: Neumaier's sum, whose error hardly
/// grows. kReproducible: the same bits in any order of the items.
enum class SumAlgorithm : uint8_t { kPairwise, kCompensated, kReproducible };

/// What is folded how.
///
///     // The means of each column of a matrix, in float64 whatever its items are.
///     auto columns = Layout::contiguous(Format::parse("d"), {matrix.shape()[1]});
///     Plan::reduce(matrix, columns, {.op = ReduceOp::kMean, .axes = {0}}).run(data, means);
struct ReduceOptions {
  ReduceOp op = ReduceOp::kSum;  ///< what is found
  std::vector<int> axes;         ///< of the source, each in [0, ndim), without repetition
  SumAlgorithm algorithm = SumAlgorithm::kPairwise;  ///< of sums and means of floats
  /// Sums and products of integers: kWrap, the default, or kRaise. Sums of times: always kRaise.
  Overflow overflow = Overflow::kDefault;
  /// NaN and NaT do not count. A minimum or mean of nothing else is NaN, its index an error.
  bool skipna = false;
  double ddof = 0;  ///< kVar and kStd divide by the number of items less this
  /// Of sums, products, minima and maxima: one more item, of the destination's type in the
  /// machine's byte order. Without bytes there is none.
  ElementBytes initial = {};
};

/// The type that a reduction of `type` gives, NumPy's: a sum of integers has 64 bits, any and all
/// are bool, a count and an index are int64, means, variances and norms of integers are float64,
/// variances and norms of complex numbers are real; everything else has the type of its source.
/// Plan::reduce also takes wider floats, in which it then calculates, and int64 for an integer
/// whose values it has.
STRIDECAST_API DType reduce_result(ReduceOp op, DType type) noexcept;

/// What NaT becomes where times are taken apart: without a value it is an error.
struct TimeFieldsOptions {
  /// In every field of the result, which it must fit.
  std::optional<int64_t> nat = {};
};

/// A host's own thread pool: must call task(i) for every i in [0, count), in any order, on any
/// thread, and return when all are done.
using ParallelFor = std::function<void(int count, const std::function<void(int)>& task)>;

/// What a run does where source and destination share memory so that no order of its loops would
/// read every item before it is overwritten: fail with kOverlap, or copy the source first.
enum class OverlapPolicy : uint8_t { kRefuse, kCopy };

/// Whether the destination is written past the caches: where it outgrows them, never (it is read
/// soon), or at any size (it is not read soon).
enum class Stream : uint8_t { kAuto, kNever, kAlways };

/// How a plan is run; nothing here changes a result.
struct RunOptions {
  int threads = 1;                ///< at most this many; the result never depends on it
  ParallelFor parallel_for = {};  ///< used instead of OpenMP when set
  OverlapPolicy overlap = OverlapPolicy::kRefuse;  ///< of operands that share memory
  Stream stream = Stream::kAuto;                   ///< of results that outgrow the caches
};

/// One operand: where item (0, ..., 0) of its layout minus the layout's offset lies.
struct Operand {
  void* data = nullptr;  ///< of a source it is only read
  /// Where the memory around `data` begins, in bytes relative to `data`, so that a layout that
  /// reaches below is refused. The default trusts the layout.
  int64_t lowest = INT64_MIN;
  /// Where it ends, likewise.
  int64_t highest = INT64_MAX;
};

/// How a run ended.
enum class StatusCode : uint8_t {
  kOk,           ///< every item was written
  kDataError,    ///< an element breaks a rule that the options ask to enforce
  kOverlap,      ///< source and destination share memory in an unsafe way
  kTooSmall,     ///< an operand is smaller than its layout's extent
  kOutOfMemory,  ///< no workspace, or none for the copy that OverlapPolicy::kCopy makes
  kPoolFailed,   ///< RunOptions::parallel_for threw
};

/// How a run ended, and which item is to blame.
struct RunStatus {
  StatusCode code = StatusCode::kOk;  ///< kOk, or the first thing that went wrong
  uint32_t error_bits = 0;            ///< SC_ERR_* of kernel_abi.h, for kDataError
  /// Logical (C order) index of the first bad item; for kTooSmall and kOverlap the operand: 0
  /// source (or -1), 1 destination, 2 mask.
  int64_t index = -1;
  int field = -1;       ///< which leaf program met it; Plan::field_path(field) names it
  char value[40] = {};  ///< the offending value as text
  /// Of a text that is no time: the first character that is wrong.
  int64_t position = -1;
  const char* detail = nullptr;  ///< why it is wrong; null of all else
  /// Whether every item was written.
  bool ok() const noexcept { return code == StatusCode::kOk; }
};

/// A compiled conversion, copy, byteswap or reduction. Immutable, cheap to copy, holds no data
/// pointers.
///
///     auto src = Layout::strided(Format::parse(">h"), {1000}, {6});
///     auto dst = Layout::contiguous(Format::parse("E"), {1000});
///     Plan plan = Plan::convert(src, dst, {.overflow = Overflow::kRaise});
///     plan.run(src_data, dst_data);
///
/// Sources broadcast to the destination's shape as in NumPy. Factories throw Error: kNoConversion
/// for a pair of formats without conversion, kInvalidArgument for shapes that do not fit.
class STRIDECAST_API Plan {
 public:
  /// Every item of src as an item of dst's format; of equal formats it is a copy, padding included.
  static Plan convert(const Layout& src, const Layout& dst, const ConvertOptions& options = {});
  /// Only where `where`, of format '?' or a one-byte integer that broadcasts to dst's shape, is not
  /// 0. Of the other items no byte of dst is read or written, and no value of src is reported.
  static Plan convert(const Layout& src, const Layout& dst, const Layout& where,
                      const ConvertOptions& options = {});
  /// Reverses the bytes of every element and keeps the format: both formats must be equal.
  static Plan byteswap(const Layout& src, const Layout& dst);
  /// What stored numbers stand for: an element of src whose bits are one of scaling.missing becomes
  /// NaN (NaT where dst holds times), every other x * scale, rounded, then + offset, rounded. What
  /// dst cannot hold is converted as by convert(). Formats of one number or time.
  ///
  ///     Scaling packed;  // a netCDF variable's scale_factor, add_offset and _FillValue
  ///     packed.scale = {0.01};
  ///     packed.offset = {273.15};
  ///     packed.missing = {ElementBytes::of(int16_t{-32767})};
  ///     auto stored = Layout::contiguous(Format::parse(">h"), {n});
  ///     auto kelvin = Layout::contiguous(Format::parse("f"), {n});
  ///     Plan::decode(stored, kelvin, packed).run(stored_data, kelvin_data);
  static Plan decode(const Layout& src, const Layout& dst, const Scaling& scaling,
                     const ConvertOptions& options = {});
  /// The way back: NaN (and NaT) becomes scaling.missing, every other element (x - offset) / scale,
  /// both rounded; then it is converted as by convert(), but rounded to the nearest integer, ties
  /// to even, where dst holds integers and options.rounding says nothing else. Under
  /// Overflow::kRaise it is an error if that gives the missing value. No scale may be 0.
  static Plan encode(const Layout& src, const Layout& dst, const Scaling& scaling,
                     const ConvertOptions& options = {});
  /// Counts of time since an epoch as datetime64, each rounded once from its exact value: integers
  /// down to dst's unit, floats to the nearest, ties to even. Elements whose bits are one of
  /// `missing` (up to 8), and NaN, become NaT. A time that dst does not hold is an error unless
  /// options.overflow says otherwise; long doubles are rounded to float64 first. Years and
  /// months have no fixed length: decode to days and convert those.
  ///
  ///     auto units = TimeUnits::parse("days since 1850-01-01");
  ///     auto stored = Layout::contiguous(Format::parse(">d"), {n});
  ///     auto times = Layout::contiguous(Format::parse("[numpy$datetime64$ns]"), {n});
  ///     Plan::decode_time(stored, times, units).run(stored_data, times_data);
  static Plan decode_time(const Layout& src, const Layout& dst, const TimeUnits& units,
                          const std::vector<ElementBytes>& missing = {},
                          const ConvertOptions& options = {});
  /// The way back, counts that are rounded once to the nearest in dst's type, ties to even; under
  /// Casting::kSameValue one that is not exact is an error. NaT becomes `missing` (at most one),
  /// else NaN, or an error in integers; unless options.overflow is kSaturate it is an error if
  /// another time becomes it.
  static Plan encode_time(const Layout& src, const Layout& dst, const TimeUnits& units,
                          const std::vector<ElementBytes>& missing = {},
                          const ConvertOptions& options = {});
  /// Takes the datetimes of src apart, in one pass: row k of dst, its first axis, holds fields[k]
  /// of all of them. dst has one axis more than src, in front, is C-contiguous and of format 'i' or
  /// 'q'. A field that is finer than the unit is 0. A year that does not fit is an error.
  ///
  ///     const TimeField fields[] = {TimeField::kYear, TimeField::kHour};
  ///     auto times = Layout::contiguous(Format::parse("[numpy$datetime64$ns]"), {n});
  ///     auto rows = Layout::contiguous(Format::parse("i"), {2, n});
  ///     Plan::datetime_fields(times, rows, fields).run(time_data, row_data);
  static Plan datetime_fields(const Layout& src, const Layout& dst,
                              std::span<const TimeField> fields,
                              const TimeFieldsOptions& options = {});
  /// Folds `options.axes` of src. dst has the shape of the kept axes, or the same number of axes
  /// with size 1 where one was folded; its format is the accumulator's result type.
  static Plan reduce(const Layout& src, const Layout& dst, const ReduceOptions& options);
  /// Of the items only for which `where`, a mask as convert's that broadcasts to src's shape, is
  /// not 0. Nothing left to fold is an error for minima, maxima and indices, at run time.
  static Plan reduce(const Layout& src, const Layout& dst, const Layout& where,
                     const ReduceOptions& options);

  /// Runs over src and dst. Never throws. After kOverlap and kTooSmall nothing was written; after
  /// any other failure the destination is unspecified (each item old or wholly converted).
  RunStatus try_run(const Operand& src, const Operand& dst,
                    const RunOptions& options = {}) const noexcept;
  /// The same for a plan with a mask, the third operand. A mask that shares memory with dst is
  /// kOverlap under either policy.
  RunStatus try_run(const Operand& src, const Operand& dst, const Operand& where,
                    const RunOptions& options = {}) const noexcept;
  /// As try_run, with the layouts' data pointers (their offsets are added); throws Error with the
  /// message of status_error().
  void run(const void* src, void* dst, const RunOptions& options = {}) const;
  /// The same for a plan with a mask.
  void run(const void* src, void* dst, const void* where, const RunOptions& options = {}) const;
  /// The exception that describes a failed status: index, value, field.
  Error status_error(const RunStatus& status) const;

  /// The loops and kernels as text, one line each.
  std::string explain() const;
  /// The name of a field that RunStatus::field counts, with those it lies in: "point.x".
  const std::string& field_path(int field) const;
  /// Items of the destination (of the source for a reduction).
  int64_t size() const noexcept;
  /// Bytes read plus bytes written, a measure of the work.
  int64_t bytes_moved() const noexcept;
  /// Whether a run is one call of one kernel over few bytes, a matter of microseconds: a caller may
  /// well keep its locks meanwhile.
  bool is_brief() const noexcept;
  /// The SIMD target whose kernels it uses.
  const char* target() const noexcept;

  /// @cond of the library itself: users call the factories
  struct Impl;
  explicit Plan(std::shared_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
  const Impl& impl() const noexcept { return *impl_; }
  /// @endcond

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_PLAN_H_
