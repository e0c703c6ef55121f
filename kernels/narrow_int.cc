// Integers of fewer than 8 bits, one value a byte: to int8 and uint8, which all other conversions
// start from, and back.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_int.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// kExtend: the topmost of the bits that count is a sign.
template <bool kExtend>
struct LowBits {
  using Src = uint8_t;
  using Dst = uint8_t;
  using Wide = uint8_t;
  explicit LowBits(const sc_run& run)
      : sign(static_cast<uint8_t>(1u
                                  << (static_cast<const NarrowIntParams*>(run.params)->bits - 1))) {
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const auto low = hn::And(v, hn::Set(dd, static_cast<uint8_t>(2 * sign - 1)));
    if constexpr (!kExtend) return low;
    const auto top = hn::Set(dd, sign);
    return hn::Sub(hn::Xor(low, top), top);
  }

 private:
  uint8_t sign;
};

}  // namespace

void FillNarrowInt(KernelTable& table) {
  table.extend_bits = ConvertEntry<LowBits<true>>("extend bits");
  table.keep_bits = ConvertEntry<LowBits<false>>("keep bits");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
