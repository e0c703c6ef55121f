// Integers of fewer than 8 bits, one value a byte: to int8 and uint8, which all other conversions
// start from, and from integers of any size.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_int.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/targets.h"
#include "kernels/truncate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

int BitsOf(const sc_run& run) { return static_cast<const NarrowIntParams*>(run.params)->bits; }

// The topmost of the bits that count is a sign.
struct ExtendBits {
  using Src = uint8_t;
  using Dst = uint8_t;
  using Wide = uint8_t;
  explicit ExtendBits(const sc_run& run) : sign(static_cast<uint8_t>(1u << (BitsOf(run) - 1))) {}
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const auto low = hn::And(v, hn::Set(dd, static_cast<uint8_t>(2 * sign - 1)));
    const auto top = hn::Set(dd, sign);
    return hn::Sub(hn::Xor(low, top), top);
  }

 private:
  uint8_t sign;
};

// From integers of one byte and more.
template <typename S>
struct KeepBits : Truncate<S, uint8_t> {
  using Base = Truncate<S, uint8_t>;
  explicit KeepBits(const sc_run& run)
      : Base(run), mask(static_cast<uint8_t>((1u << BitsOf(run)) - 1)) {}
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    if constexpr (sizeof(S) == 1) {
      return hn::And(v, hn::Set(dd, mask));
    } else {
      return hn::And(Base::Convert(dd, v), hn::Set(dd, mask));
    }
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(HasPack2<Base>) {
    return hn::And(Base::Pack2(d2, v0, v1), hn::Set(d2, mask));
  }
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const requires(HasPack4<Base>) {
    return hn::And(Base::Pack4(d4, v0, v1, v2, v3), hn::Set(d4, mask));
  }

 private:
  uint8_t mask;
};

}  // namespace

void FillNarrowInt(KernelTable& table) {
  table.extend_bits = ConvertEntry<ExtendBits>("extend bits");
  table.keep_bits[0] = ConvertEntry<KeepBits<uint8_t>>("keep bits");
  table.keep_bits[1] = ConvertEntry<KeepBits<uint16_t>>("keep bits of 2 bytes");
  table.keep_bits[2] = ConvertEntry<KeepBits<uint32_t>>("keep bits of 4 bytes");
  table.keep_bits[3] = ConvertEntry<KeepBits<uint64_t>>("keep bits of 8 bytes");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
