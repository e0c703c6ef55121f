// argmin, argmax, min and max of long doubles and of pairs of them, and the largest absolute value
// of long doubles, item by item: no SIMD unit knows them. The orders are those of fold-inl.h and
// arg_complex.cc; min and max keep the index as well, for which they have no use.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/arg_long_double.cc"
#include <cmath>
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/arg-inl.h"
#include "kernels/lane_types.h"
#include "kernels/long_double.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr long double kNaN = std::numeric_limits<long double>::quiet_NaN();
constexpr long double kInfinity = std::numeric_limits<long double>::infinity();

// Of arguments zeros tie; of values -0.0 is less than +0.0.
template <bool kMax, bool kZerosTie>
struct RealOrder {
  using Key = LongDoubleItem;
  static constexpr size_t kItem = sizeof(Key);

  static Key KeyOf(const uint8_t* item) {
    const long double value = LoadAs<Key>(item).value();
    return Key::Of(value == value ? value : kNaN);
  }
  static Key OfNothing() { return Key::Of(kMax ? -kInfinity : kInfinity); }
  static bool Better(const Key& key, const Key& other) {
    const long double a = key.value(), b = other.value();
    if (a != a) return b == b;
    if (!kZerosTie && a == b) return std::signbit(a) != std::signbit(b) && std::signbit(b) == kMax;
    return kMax ? a > b : a < b;
  }
};

struct LargestSize : RealOrder<true, true> {
  static Key KeyOf(const uint8_t* item) {
    return Key::Of(std::fabs(RealOrder::KeyOf(item).value()));
  }
  static Key OfNothing() { return Key::Of(0); }
};

struct Pair {
  LongDoubleItem real, imaginary;

  static Pair Of(long double real, long double imaginary) {
    return {LongDoubleItem::Of(real), LongDoubleItem::Of(imaginary)};
  }
};

template <bool kMax>
struct ComplexOrder {
  using Key = Pair;
  static constexpr size_t kItem = sizeof(Pair);

  static Key KeyOf(const uint8_t* item) {
    const Pair pair = LoadAs<Pair>(item);
    const long double real = pair.real.value(), imaginary = pair.imaginary.value();
    if (real != real || imaginary != imaginary) return Pair::Of(kNaN, kNaN);
    return Pair::Of(real + 0.0L, imaginary + 0.0L);  // +0 for -0
  }
  static Key OfNothing() {
    constexpr long double kWorst = kMax ? -kInfinity : kInfinity;
    return Pair::Of(kWorst, kWorst);
  }
  static bool Better(const Key& key, const Key& other) {
    const long double a = key.real.value(), b = other.real.value();
    if (a != a) return b == b;
    if (a != b) return kMax ? a > b : a < b;
    const long double c = key.imaginary.value(), d = other.imaginary.value();
    return kMax ? c > d : c < d;
  }
};

template <class Order>
struct GiveKey {
  using Out = typename Order::Key;
  static Out Of(int64_t index, const Out& key) {
    return index == kUntouched ? Order::OfNothing() : key;
  }
};

template <class Order, class Give>
constexpr sc_reduce_entry kEntry(const char* name) {
  return {&ArgInit<Order>,
          &ArgStepByItems<Order>,
          &ArgMerge<Order>,
          &ArgFinish<Order, Give>,
          &ArgWholeByItems<Order, Give>,
          &ArgJoin<Order>,
          name,
          0,
          sizeof(int64_t) + sizeof(typename Order::Key),
          0};
}

template <class Order>
constexpr sc_reduce_entry kValue(const char* name) {
  return kEntry<Order, GiveKey<Order>>(name);
}

}  // namespace

void FillArgLongDouble(KernelTable& table) {
  const auto set = [&](ReduceKernel kernel, sc_reduce_entry real, sc_reduce_entry complex) {
    table.reduce[kernel][Index(DType::kLongDouble)] = real;
    table.reduce[kernel][Index(DType::kComplexLongDouble)] = complex;
  };
  set(kReduceArgmin, kEntry<RealOrder<false, true>, GiveIndex>("argmin long double"),
      kEntry<ComplexOrder<false>, GiveIndex>("argmin complex long double"));
  set(kReduceArgmax, kEntry<RealOrder<true, true>, GiveIndex>("argmax long double"),
      kEntry<ComplexOrder<true>, GiveIndex>("argmax complex long double"));
  set(kReduceMin, kValue<RealOrder<false, false>>("min long double"),
      kValue<ComplexOrder<false>>("min complex long double"));
  set(kReduceMax, kValue<RealOrder<true, false>>("max long double"),
      kValue<ComplexOrder<true>>("max complex long double"));
  table.reduce[kReduceMaxAbs][Index(DType::kLongDouble)] = kValue<LargestSize>("max |long double|");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
