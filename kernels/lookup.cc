// A byte to 1, 2 or 4 bytes through tables of 256 entries (LookupParams): from all types of at most
// 8 bits to wherever their values fit. Tables live in registers where the target permutes bytes of
// two vectors, else they are searched by rows of 16 bytes.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lookup.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lanes-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

const LookupParams& ParamsOf(const sc_run& run) {
  return *static_cast<const LookupParams*>(run.params);
}

using Full8 = hn::ScalableTag<uint8_t>;

// Which way the target goes. Others than x86 have no Highway operation for large tables.
#undef STRIDECAST_LOOKUP_VECTORS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#define STRIDECAST_LOOKUP_VECTORS 1
#else
#define STRIDECAST_LOOKUP_VECTORS 0
#endif

#if STRIDECAST_LOOKUP_VECTORS && HWY_TARGET <= HWY_AVX3_DL
// A table is four vectors, and one instruction looks up two of them by the low 7 bits of an index.
class ByteTable {
 public:
  explicit ByteTable(const uint8_t* bytes)
      : t0_(hn::Load(Full8(), bytes)),
        t1_(hn::Load(Full8(), bytes + 64)),
        t2_(hn::Load(Full8(), bytes + 128)),
        t3_(hn::Load(Full8(), bytes + 192)) {}

  template <class V>
  HWY_INLINE V Find(V index) const {
    const Full8 d;
    const auto low_bits = hn::Indices512<uint8_t>{index.raw};  // the top bit does not count
    return hn::IfThenElse(hn::MaskFromVec(index), hn::TwoTablesLookupLanes(d, t2_, t3_, low_bits),
                          hn::TwoTablesLookupLanes(d, t0_, t1_, low_bits));
  }

 private:
  hn::Vec<Full8> t0_, t1_, t2_, t3_;
};

template <size_t kTables>
class Tables;
template <>
class Tables<1> {
 public:
  explicit Tables(const LookupParams& p) : low_(p.low) {}
  template <class V>
  HWY_INLINE void Find(V index, V& low) const {
    low = low_.Find(index);
  }

 private:
  ByteTable low_;
};
template <>
class Tables<2> {
 public:
  explicit Tables(const LookupParams& p) : low_(p.low), high_(p.high) {}
  template <class V>
  HWY_INLINE void Find(V index, V& low, V& high) const {
    low = low_.Find(index);
    high = high_.Find(index);
  }

 private:
  ByteTable low_, high_;
};

inline constexpr bool kTablesInMemory = false;

#elif STRIDECAST_LOOKUP_VECTORS
// Rows of 16 bytes, each of which one instruction looks up by the low 4 bits of an index, giving 0
// where the top bit is set. Less 16 a row, an index gets a top bit after its own row; the rows up
// to that one are summed up (by exclusive or), so they hold differences to the row before. That is
// right for 128 entries; the upper ones have rows of their own, and the index's top bit chooses.
class RowTable {
 public:
  explicit RowTable(const uint8_t* bytes) {
    const hn::FixedTag<uint8_t, 32> d;
    for (size_t half : {0, 128}) {
      const uint8_t* from = bytes + half;
      uint8_t* to = rows_ + half;
      const hn::Half<decltype(d)> row;
      hn::Store(hn::Load(row, from), row, to);
      hn::Store(hn::Xor(hn::Load(row, from + 16), hn::Load(row, from)), row, to + 16);
      for (size_t i = 32; i < 128; i += 32) {
        hn::Store(hn::Xor(hn::Load(d, from + i), hn::LoadU(d, from + i - 16)), d, to + i);
      }
    }
  }
  // The rows of the 128 entries from `entry` on, and the sum that they add up to.
  template <class V>
  struct Half {
    const uint8_t* rows;
    V* sum;
  };
  template <class V>
  HWY_INLINE Half<V> From(size_t entry, V& sum) const {
    sum = hn::Zero(Full8());
    return {rows_ + entry, &sum};
  }

 private:
  alignas(64) uint8_t rows_[256];
};

inline constexpr bool kTablesInMemory = true;

template <class V>
HWY_INLINE void AddRow(size_t row, V index, RowTable::Half<V> half) {
  const auto bytes = hn::LoadDup128(Full8(), half.rows + 16 * row);
  *half.sum = hn::Xor(*half.sum, hn::TableLookupBytesOr0(bytes, index));
}

// All rows of some halves, for an index of 7 bits. Saturation has nothing to do, and keeps
// compilers from making eight constants of one.
template <size_t kRow = 0, class V, class... Half>
HWY_INLINE void AddRows(V index, Half... half) {
  (AddRow(kRow, index, half), ...);
  if constexpr (kRow < 7) {
    const hn::RebindToSigned<Full8> d;
    const auto next = hn::SaturatedSub(hn::BitCast(d, index), hn::Set(d, int8_t{16}));
    AddRows<kRow + 1>(hn::BitCast(Full8(), next), half...);
  }
}

template <size_t kTables>
class Tables;
template <>
class Tables<1> {
 public:
  explicit Tables(const LookupParams& p) : low_(p.low) {}
  template <class V>
  HWY_INLINE void Find(V index, V& low) const {
    const Full8 d;
    const V low_bits = hn::And(index, hn::Set(d, uint8_t{0x7F}));
    V low0, low1;
    AddRows(low_bits, low_.From(0, low0), low_.From(128, low1));
    low = hn::IfThenElse(hn::MaskFromVec(index), low1, low0);
  }

 private:
  RowTable low_;
};

// Of most floats the upper entries are the lower ones with another sign, but for the byte of -0.0:
// half of the work.
template <>
class Tables<2> {
 public:
  explicit Tables(const LookupParams& p) : low_(p.low), high_(p.high) {
    const hn::FixedTag<uint8_t, 32> d;
    low_minus_0_ = p.low[128];
    high_minus_0_ = p.high[128];
    auto difference = hn::Zero(d);
    const auto sign = hn::Set(d, uint8_t{0x80});
    for (size_t i = 0; i < 128; i += 32) {
      const auto l = hn::Xor(hn::Load(d, p.low + i), hn::Load(d, p.low + 128 + i));
      const auto h = hn::Xor(hn::Load(d, p.high + i), hn::Load(d, p.high + 128 + i));
      auto both = hn::Or(l, hn::Xor(h, sign));
      if (i == 0) both = hn::InsertLane(both, 0, uint8_t{0});
      difference = hn::Or(difference, both);
    }
    mirrored_ = hn::AllTrue(d, hn::Eq(difference, hn::Zero(d)));
  }

  template <class V>
  HWY_INLINE void Find(V index, V& low, V& high) const {
    if (mirrored_) {
      FindMirrored(index, low, high);
    } else {
      FindAll(index, low, high);
    }
  }

 private:
  template <class V>
  HWY_INLINE void FindMirrored(V index, V& low, V& high) const {
    const Full8 d;
    const V low_bits = hn::And(index, hn::Set(d, uint8_t{0x7F}));
    const V sign = hn::Xor(index, low_bits);
    AddRows(low_bits, low_.From(0, low), high_.From(0, high));
    const auto minus_0 = hn::Eq(index, hn::Set(d, uint8_t{0x80}));
    low = hn::IfThenElse(minus_0, hn::Set(d, low_minus_0_), low);
    high = hn::IfThenElse(minus_0, hn::Set(d, high_minus_0_), hn::Xor(high, sign));
  }

  template <class V>
  HWY_INLINE void FindAll(V index, V& low, V& high) const {
    const Full8 d;
    const V low_bits = hn::And(index, hn::Set(d, uint8_t{0x7F}));
    V low0, low1, high0, high1;
    AddRows(low_bits, low_.From(0, low0), low_.From(128, low1), high_.From(0, high0),
            high_.From(128, high1));
    const auto upper = hn::MaskFromVec(index);
    low = hn::IfThenElse(upper, low1, low0);
    high = hn::IfThenElse(upper, high1, high0);
  }

  RowTable low_, high_;
  uint8_t low_minus_0_, high_minus_0_;
  bool mirrored_;
};
#endif

#if STRIDECAST_LOOKUP_VECTORS
// Where 32-bit lanes go before interleaving, block by block of 16 bytes, makes kParts vectors of
// one, so that the parts come out in order.
template <size_t kLanes, size_t kParts>
struct SpreadOrder {
  alignas(64) int32_t lane[kLanes] = {};
  constexpr SpreadOrder() {
    constexpr size_t kBlocks = kLanes / 4, kRun = 4 / kParts;  // lanes of a block for each part
    for (size_t i = 0; i < kLanes; ++i) {
      const size_t block = i / 4, part = i % 4 / kRun;
      lane[i] = static_cast<int32_t>((part * kBlocks + block) * kRun + i % kRun);
    }
  }
};
template <size_t kLanes, size_t kParts>
inline constexpr SpreadOrder<kLanes, kParts> kSpreadOrder;

template <size_t kParts>
HWY_INLINE hn::Vec<Full8> InSpreadOrder(hn::Vec<Full8> v) {
  const Full8 d8;
  const hn::Repartition<int32_t, Full8> d32;
  const auto order =
      hn::SetTableIndices(d32, kSpreadOrder<HWY_MAX_LANES_D(Full8) / 4, kParts>.lane);
  return hn::BitCast(d8, hn::TableLookupLanes(hn::BitCast(d32, v), order));
}

template <size_t kBytes>
struct Lookup {
  using Src = uint8_t;
  using Dst = Lane<kBytes>;
  using Wide = Dst;
  static constexpr bool kInMemory = kTablesInMemory;
  explicit Lookup(const sc_run& run) : tables_(ParamsOf(run)) {}

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const requires(kBytes > 1) {
    const Full8 d8;
    const hn::DFromV<V> ds;
    hn::Vec<Full8> low, high;
    tables_.Find(hn::ResizeBitCast(d8, v), low, high);
    const auto l = hn::PromoteTo(dd, hn::ResizeBitCast(ds, low));
    const auto h = hn::PromoteTo(dd, hn::ResizeBitCast(ds, high));
    const auto both = hn::Or(l, hn::ShiftLeft<8>(h));
    if constexpr (kBytes == 4) return hn::ShiftLeft<16>(both);
    return both;
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD, V v) const requires(kBytes == 1) {
    hn::Vec<DD> low;
    tables_.Find(v, low);
    return low;
  }

  template <bool kStream, class V>
  HWY_INLINE void Spread(V v, Dst* dst) const requires(kBytes > 1) {
    const Full8 d8;
    const hn::ScalableTag<uint16_t> d16;
    const hn::ScalableTag<Dst> dd;
    const size_t lanes = hn::Lanes(dd);
    hn::Vec<Full8> low, high;
    tables_.Find(InSpreadOrder<kBytes>(v), low, high);
    const auto lower = hn::BitCast(d16, hn::InterleaveLower(d8, low, high));
    const auto upper = hn::BitCast(d16, hn::InterleaveUpper(d8, low, high));
    if constexpr (kBytes == 2) {
      StoreLanes<kStream>(lower, dd, dst);
      StoreLanes<kStream>(upper, dd, dst + lanes);
    } else {
      const auto zero = hn::Zero(d16);
      const auto o0 = hn::BitCast(dd, hn::InterleaveLower(d16, zero, lower));
      const auto o1 = hn::BitCast(dd, hn::InterleaveUpper(d16, zero, lower));
      const auto o2 = hn::BitCast(dd, hn::InterleaveLower(d16, zero, upper));
      const auto o3 = hn::BitCast(dd, hn::InterleaveUpper(d16, zero, upper));
      StoreLanes<kStream>(o0, dd, dst);
      StoreLanes<kStream>(o1, dd, dst + lanes);
      StoreLanes<kStream>(o2, dd, dst + 2 * lanes);
      StoreLanes<kStream>(o3, dd, dst + 3 * lanes);
    }
  }

 private:
  Tables<kBytes == 1 ? 1 : 2> tables_;
};
#else
inline constexpr bool kTablesInMemory = true;

template <size_t kBytes>
struct Lookup {
  using Src = uint8_t;
  using Dst = Lane<kBytes>;
  using Wide = Dst;
  explicit Lookup(const sc_run& run) : params_(ParamsOf(run)) {}

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::DFromV<V> ds;
    HWY_ALIGN uint8_t index[HWY_MAX_LANES_D(DD)];
    HWY_ALIGN Dst found[HWY_MAX_LANES_D(DD)];
    hn::Store(v, ds, index);
    for (size_t i = 0; i < hn::Lanes(dd); ++i) {
      uint32_t bits = params_.low[index[i]];
      if constexpr (kBytes > 1) bits |= uint32_t{params_.high[index[i]]} << 8;
      found[i] = static_cast<Dst>(kBytes == 4 ? bits << 16 : bits);
    }
    return hn::Load(dd, found);
  }

 private:
  const LookupParams& params_;
};
#endif

}  // namespace

void FillLookup(KernelTable& table) {
  table.lookup[0] = ConvertEntry<Lookup<1>>("lookup 1");
  table.lookup[1] = ConvertEntry<Lookup<2>>("lookup 2");
  table.lookup[2] = ConvertEntry<Lookup<4>>("lookup 4");
  table.looks_up_fast = STRIDECAST_LOOKUP_VECTORS && !kTablesInMemory;
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
