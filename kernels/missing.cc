// Items that stand for missing ones, known by their bits: found before a conversion, which loses
// the bits, and marked as NaN behind it; or put in place of what was NaN once everything is
// converted. Flags in scratch, a byte an item, lead from one to the other.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/missing.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/scale-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename L>
uint32_t FindMissingRun(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  const L* src = static_cast<const L*>(run->src);
  auto* flags = static_cast<uint8_t*>(run->scratch);
  const auto count = static_cast<size_t>(run->n[0] * run->n[1]);
  const hn::ScalableTag<L> d;
  const FlagTag<decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto counting = hn::Set(d, static_cast<L>(params.counting[0]));
  const auto find = [&](auto v) {
    v = hn::And(v, counting);
    auto found = hn::Eq(v, hn::Set(d, static_cast<L>(params.missing[0][0])));
    for (int32_t k = 1; k < params.num_missing; ++k) {
      found = hn::Or(found, hn::Eq(v, hn::Set(d, static_cast<L>(params.missing[k][0]))));
    }
    return FlagsOf(d, found);
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(find(hn::LoadU(d, src + i)), d8, flags + i);
  if (i < count) {
    const size_t rest = RestOf(d, i, count);
    StoreFew(find(LoadFew(d, src + i, rest, L{0})), d8, flags + i, rest);
  }
  return 0;
}

HWY_INLINE bool IsMissing16(const ScaleParams& params, const void* item, int32_t k) {
  uint64_t half[2];
  memcpy(half, item, sizeof(half));
  return (((half[0] & params.counting[0]) ^ params.missing[k][0]) |
          ((half[1] & params.counting[1]) ^ params.missing[k][1])) == 0;
}

uint32_t FindMissing16(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* flags = static_cast<uint8_t*>(run->scratch);
  for (int64_t i = 0; i < run->n[0] * run->n[1]; ++i) {
    bool found = false;
    for (int32_t k = 0; k < params.num_missing; ++k) {
      found = found || IsMissing16(params, src + 16 * i, k);
    }
    flags[i] = found;
  }
  return 0;
}

template <typename L, bool kReport>
uint32_t PlaceMissingRun(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  const L* src = static_cast<const L*>(run->src);
  L* dst = static_cast<L*>(run->dst);
  const auto* flags = static_cast<const uint8_t*>(run->scratch);
  const auto count = static_cast<size_t>(run->n[0] * run->n[1]);
  const hn::ScalableTag<L> d;
  const FlagTag<decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto counting = hn::Set(d, static_cast<L>(params.counting[0]));
  const auto missing = hn::Set(d, static_cast<L>(params.missing[0][0]));
  auto landed = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, src + i);
    const auto place = MaskOf(d, hn::LoadU(d8, flags + i));
    if constexpr (kReport) {
      const auto same = hn::Eq(hn::And(v, counting), missing);
      landed = hn::Or(landed, hn::VecFromMask(d, hn::AndNot(place, same)));
    }
    hn::StoreU(hn::IfThenElse(place, missing, v), d, dst + i);
  }
  if (i < count) {
    const size_t rest = RestOf(d, i, count);
    const auto v = LoadFew(d, src + i, rest, L{0});
    const auto place = MaskOf(d, LoadFew(d8, flags + i, rest, uint8_t{1}));
    if constexpr (kReport) {
      const auto same = hn::Eq(hn::And(v, counting), missing);
      landed = hn::Or(landed, hn::VecFromMask(d, hn::AndNot(place, same)));
    }
    StoreFew(hn::IfThenElse(place, missing, v), d, dst + i, rest);
  }
  const bool any = !hn::AllTrue(d, hn::Eq(landed, hn::Zero(d)));
  return any ? uint32_t{SC_ERR_OVERFLOW} : uint32_t{0};
}

template <bool kReport>
uint32_t PlaceMissing16(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto* flags = static_cast<const uint8_t*>(run->scratch);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[0] * run->n[1]; ++i) {
    if (flags[i] != 0) {
      memcpy(dst + 16 * i, params.missing[0], 16);
      continue;
    }
    if (kReport && IsMissing16(params, src + 16 * i, 0)) errors = SC_ERR_OVERFLOW;
    if (src != dst) memcpy(dst + 16 * i, src + 16 * i, 16);
  }
  return errors;
}

template <typename T>
uint32_t MarkMissingRun(const sc_run* run) {
  const T* src = static_cast<const T*>(run->src);
  T* dst = static_cast<T*>(run->dst);
  const auto* flags = static_cast<const uint8_t*>(run->scratch);
  const auto count = static_cast<size_t>(run->n[0] * run->n[1]);
  const hn::ScalableTag<T> d;
  const FlagTag<decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto place = MaskOf(d, hn::LoadU(d8, flags + i));
    hn::StoreU(hn::IfThenElse(place, QuietNan(d), hn::LoadU(d, src + i)), d, dst + i);
  }
  if (i < count) {
    const size_t rest = RestOf(d, i, count);
    const auto place = MaskOf(d, LoadFew(d8, flags + i, rest, uint8_t{0}));
    StoreFew(hn::IfThenElse(place, QuietNan(d), LoadFew(d, src + i, rest, T{0})), d, dst + i, rest);
  }
  return 0;
}

template <typename L>
void SetMissing(KernelTable& table, int size) {
  table.find_missing[size] =
      ScaleEntry(FindMissingRun<L>, "find missing", SC_NEEDS_SCRATCH, SC_TRAIT_IN_PLACE);
  table.place_missing[size][0] =
      ScaleEntry(PlaceMissingRun<L, false>, "place missing", SC_NEEDS_SCRATCH, SC_TRAIT_IN_PLACE);
  table.place_missing[size][1] =
      ScaleEntry(PlaceMissingRun<L, true>, "place missing, check", SC_NEEDS_SCRATCH,
                 SC_TRAIT_IN_PLACE | SC_TRAIT_MAY_FAIL);
}

}  // namespace

void FillMissing(KernelTable& table) {
  SetMissing<uint8_t>(table, 0);
  SetMissing<uint16_t>(table, 1);
  SetMissing<uint32_t>(table, 2);
  SetMissing<uint64_t>(table, 3);
  constexpr uint32_t kScratch = SC_NEEDS_SCRATCH, kInPlace = SC_TRAIT_IN_PLACE;
  table.find_missing[4] = ScaleEntry(FindMissing16, "find missing", kScratch, kInPlace);
  table.place_missing[4][0] =
      ScaleEntry(PlaceMissing16<false>, "place missing", kScratch, kInPlace);
  table.place_missing[4][1] = ScaleEntry(PlaceMissing16<true>, "place missing, check", kScratch,
                                         kInPlace | uint32_t{SC_TRAIT_MAY_FAIL});
  for (sc_entry& entry : table.find_missing) entry.dst_access = SC_ACCESS_NONE;
  table.mark_missing[0] = ScaleEntry(MarkMissingRun<float>, "mark missing", kScratch, kInPlace);
  table.mark_missing[1] = ScaleEntry(MarkMissingRun<double>, "mark missing", kScratch, kInPlace);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
