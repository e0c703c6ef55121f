// Integers to integers of another size: the low bits, or zero and sign extension. A conversion
// between equal sizes is a move and not here. Overflow rules other than wrap are limits.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_int.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"
#include "kernels/truncate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Widening goes by the source's sign; the destination has the same.
template <typename S, typename D>
struct Extend : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = D;
  using Wide = D;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::PromoteTo(dd, v);
  }
};

template <typename S, typename D>
void SetPair(KernelTable& table) {
  if constexpr (sizeof(D) < sizeof(S)) {
    SetConvert<Truncate<hwy::MakeUnsigned<S>, hwy::MakeUnsigned<D>>>(table, kDTypeOf<S>,
                                                                     kDTypeOf<D>);
  } else if constexpr (sizeof(D) > sizeof(S)) {
    using Extended =
        std::conditional_t<std::is_signed_v<S>, hwy::MakeSigned<D>, hwy::MakeUnsigned<D>>;
    SetConvert<Extend<S, Extended>>(table, kDTypeOf<S>, kDTypeOf<D>);
  }
}

template <typename S, typename... D>
void SetRow(KernelTable& table, Types<D...>) {
  (SetPair<S, D>(table), ...);
}

template <typename... S>
void SetAll(KernelTable& table, Types<S...>) {
  (SetRow<S>(table, Integers()), ...);
}

}  // namespace

void FillConvertInt(KernelTable& table) { SetAll(table, Integers()); }

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
