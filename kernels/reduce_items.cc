// What reductions do to items beside folding them: which of them are numbers, before, and what sums
// come to by their count, after.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_items.cc"
#include <cmath>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// ---- which items are numbers ----

// Of items whose bits without the sign are above an infinity's, T unsigned; of times kInfinity is
// 0, and NaT is all that is left without the sign but the sign.
template <typename T, T kInfinity>
struct IsFloat {
  static HWY_INLINE bool Of(const uint8_t* item) {
    constexpr T kSign = static_cast<T>(T{1} << (8 * sizeof(T) - 1));
    return static_cast<T>(LoadAs<T>(item) & static_cast<T>(~kSign)) <= kInfinity;
  }
  static constexpr size_t kBytes = sizeof(T);
};

struct IsTime {
  static HWY_INLINE bool Of(const uint8_t* item) { return LoadAs<int64_t>(item) != INT64_MIN; }
  static constexpr size_t kBytes = sizeof(int64_t);
};

template <class Part>
struct IsComplex {
  static HWY_INLINE bool Of(const uint8_t* item) {
    return Part::Of(item) & Part::Of(item + Part::kBytes);
  }
  static constexpr size_t kBytes = 2 * Part::kBytes;
};

// A loop that compilers vectorise for the target.
template <class Is>
uint32_t NotNan(const sc_run* run) {
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, src += Is::kBytes) dst[i] = Is::Of(src);
  return 0;
}

constexpr sc_entry kNotNan(sc_kernel kernel) {
  return {kernel, "not nan", SC_ACCESS_PACKED, SC_ACCESS_PACKED, 0, SC_TRAIT_THREAD_SAFE, 0};
}

// ---- what sums come to ----

// Numbers of two parts have one divisor.
template <typename From, typename To, size_t kParts = 1>
uint32_t Quotient(const sc_run* run) {
  const bool root = static_cast<const QuotientParams*>(run->params)->root;
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto* divisor = static_cast<const uint8_t*>(run->aux[0]);
  for (int64_t i = 0; i < run->n[1]; ++i, divisor += run->aux_step[0][1]) {
    const double by = LoadAs<double>(divisor);
    for (size_t part = 0; part < kParts; ++part, src += sizeof(From), dst += sizeof(To)) {
      const double quotient = static_cast<double>(LoadAs<From>(src)) / by;
      const double result = root ? std::sqrt(quotient) : quotient;
      const To rounded = result == result ? static_cast<To>(result) : QuietNaN<To>();
      memcpy(dst, &rounded, sizeof rounded);
    }
  }
  return 0;
}

constexpr sc_entry kQuotient(sc_kernel kernel) {
  return {kernel,
          "quotient",
          SC_ACCESS_PACKED,
          SC_ACCESS_PACKED,
          SC_NEEDS_AUX,
          SC_TRAIT_THREAD_SAFE | SC_TRAIT_IN_PLACE,
          0};
}

}  // namespace

void FillReduceItems(KernelTable& table) {
  using Single = IsFloat<uint32_t, 0x7f800000>;
  using Double = IsFloat<uint64_t, 0x7ff0000000000000>;
  const auto set = [&](DType type, sc_kernel kernel) {
    table.not_nan[Index(type)] = kNotNan(kernel);
  };
  set(DType::kFloat16, &NotNan<IsFloat<uint16_t, 0x7c00>>);
  set(DType::kBFloat16, &NotNan<IsFloat<uint16_t, 0x7f80>>);
  set(DType::kFloat32, &NotNan<Single>);
  set(DType::kFloat64, &NotNan<Double>);
  set(DType::kComplexFloat32, &NotNan<IsComplex<Single>>);
  set(DType::kComplexFloat64, &NotNan<IsComplex<Double>>);
  set(DType::kDatetime64, &NotNan<IsTime>);
  set(DType::kTimedelta64, &NotNan<IsTime>);

  const auto quotient = [&](DType type, sc_kernel kernel) {
    table.quotient[Index(type)] = kQuotient(kernel);
  };
  quotient(DType::kInt64, &Quotient<int64_t, double>);
  quotient(DType::kUint64, &Quotient<uint64_t, double>);
  quotient(DType::kFloat32, &Quotient<float, float>);
  quotient(DType::kFloat64, &Quotient<double, double>);
  quotient(DType::kComplexFloat32, &Quotient<float, float, 2>);
  quotient(DType::kComplexFloat64, &Quotient<double, double, 2>);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
