// Texts of fixed length: cut or padded with NULs to another one, bytes made UCS-4 and back. A run
// of texts of one length on both sides is one long run of characters. Otherwise texts go in their
// order by whole vectors, of which the end is written over by the text that follows; only the last
// ones, which nothing follows, are taken with care.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/text.cc"
#include <cstring>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/packed_entry.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::ScalableTag<uint32_t>;
using Quarter = hn::Rebind<uint8_t, D32>;

// How one character, and a vector of them, gets from bytes to bytes. A character is held as `Lane`.
template <class Tag>
struct Keep {
  using Lane = uint8_t;
  using D = Tag;
  static constexpr size_t kSrcSize = 1, kDstSize = 1;
  static HWY_INLINE hn::Vec<D> Load(const uint8_t* src) { return hn::LoadU(D(), src); }
  static HWY_INLINE void Store(hn::Vec<D> v, uint8_t* dst) { hn::StoreU(v, D(), dst); }
};

HWY_INLINE hn::Vec<D32> LoadUcs4(const uint8_t* src) {
  return hn::BitCast(D32(), hn::LoadU(hn::Repartition<uint8_t, D32>(), src));
}

struct Widen {
  using Lane = uint32_t;
  using D = D32;
  static constexpr size_t kSrcSize = 1, kDstSize = 4;
  static HWY_INLINE hn::Vec<D> Load(const uint8_t* src) {
    return hn::PromoteTo(D(), hn::LoadU(Quarter(), src));
  }
  static HWY_INLINE void Store(hn::Vec<D> v, uint8_t* dst) {
    const hn::Repartition<uint8_t, D> d8;
    hn::StoreU(hn::BitCast(d8, v), d8, dst);
  }
};

struct Narrow {
  using Lane = uint32_t;
  using D = D32;
  static constexpr size_t kSrcSize = 4, kDstSize = 1;
  static HWY_INLINE hn::Vec<D> Load(const uint8_t* src) { return LoadUcs4(src); }
  static HWY_INLINE void Store(hn::Vec<D> v, uint8_t* dst) {
    hn::StoreU(hn::TruncateTo(Quarter(), v), Quarter(), dst);
  }
};

template <class Op>
HWY_INLINE typename Op::Lane LoadOne(const uint8_t* src) {
  if constexpr (Op::kSrcSize == 1) {
    return *src;
  } else {
    typename Op::Lane lane;
    memcpy(&lane, src, sizeof(lane));
    return lane;
  }
}

template <class Op>
HWY_INLINE void StoreOne(typename Op::Lane lane, uint8_t* dst) {
  if constexpr (Op::kDstSize == 1) {
    *dst = static_cast<uint8_t>(lane);
  } else {
    memcpy(dst, &lane, Op::kDstSize);
  }
}

// What there was among characters, of which every bit is in `vector` or `scalar`.
enum class Found : uint8_t { kNuls, kAscii, kMore };

template <class Op>
HWY_INLINE Found FoundIn(hn::Vec<typename Op::D> vector, typename Op::Lane scalar) {
  const typename Op::D d;
  constexpr typename Op::Lane kLastAscii = 0x7F;
  if (scalar > kLastAscii || !hn::AllFalse(d, hn::Gt(vector, hn::Set(d, kLastAscii)))) {
    return Found::kMore;
  }
  const bool all_nul = scalar == 0 && hn::AllTrue(d, hn::Eq(vector, hn::Zero(d)));
  return all_nul ? Found::kNuls : Found::kAscii;
}

// Loads a vector of characters, of which those count that `rest` selects.
template <class Op>
HWY_INLINE hn::Vec<typename Op::D> LoadRest(const uint8_t* src, hn::Mask<typename Op::D> rest) {
  return hn::IfThenElseZero(rest, Op::Load(src));
}

// `count` characters in a row; nothing beyond them is read or written. Their bits are added to
// `seen` and `scalar`.
template <class Op>
HWY_INLINE void ConvertRow(const uint8_t* src, uint8_t* dst, size_t count,
                           hn::Vec<typename Op::D>& seen, typename Op::Lane& scalar) {
  const typename Op::D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  const auto vector_at = [&](size_t at) HWY_ATTR {
    const auto v = Op::Load(src + at * Op::kSrcSize);
    seen = hn::Or(seen, v);
    Op::Store(v, dst + at * Op::kDstSize);
  };
  for (; i + lanes <= count; i += lanes) vector_at(i);
  if (i == count) return;
  if (count >= lanes) return vector_at(count - lanes);
  for (; i < count; ++i) {
    const auto lane = LoadOne<Op>(src + i * Op::kSrcSize);
    scalar = static_cast<typename Op::Lane>(scalar | lane);
    StoreOne<Op>(lane, dst + i * Op::kDstSize);
  }
}

// All texts of a run as one row.
template <class Op>
HWY_NOINLINE Found ConvertRun(const uint8_t* src, uint8_t* dst, size_t count) {
  auto seen = hn::Zero(typename Op::D());
  typename Op::Lane scalar = 0;
  ConvertRow<Op>(src, dst, count, seen, scalar);
  return FoundIn<Op>(seen, scalar);
}

// The lengths of texts in characters.
struct Lengths {
  size_t src, dst, kept;
  template <class Op>
  static HWY_INLINE Lengths Of(const sc_run& run) {
    const size_t src = static_cast<size_t>(run.src_size) / Op::kSrcSize;
    const size_t dst = static_cast<size_t>(run.dst_size) / Op::kDstSize;
    return {src, dst, HWY_MIN(src, dst)};
  }
};

// How many texts of `length` a vector may reach into behind a text: it starts before the text's
// end.
HWY_INLINE size_t TextsReached(size_t length, size_t lanes) {
  return (lanes - 1 + length - 1) / length;
}

// One text by whole vectors.
template <class Op>
HWY_INLINE void ConvertText(const uint8_t* src, uint8_t* dst, Lengths lengths,
                            hn::Mask<typename Op::D> rest, hn::Vec<typename Op::D>& seen) {
  const typename Op::D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= lengths.kept; i += lanes) {
    const auto v = Op::Load(src + i * Op::kSrcSize);
    seen = hn::Or(seen, v);
    Op::Store(v, dst + i * Op::kDstSize);
  }
  if (i < lengths.kept) {
    const auto v = LoadRest<Op>(src + i * Op::kSrcSize, rest);
    seen = hn::Or(seen, v);
    Op::Store(v, dst + i * Op::kDstSize);
    i += lanes;
  }
  for (; i < lengths.dst; i += lanes) Op::Store(hn::Zero(d), dst + i * Op::kDstSize);
}

template <class Op>
HWY_NOINLINE Found ConvertTexts(const sc_run& run, Lengths lengths) {
  const typename Op::D d;
  const size_t lanes = hn::Lanes(d), n = static_cast<size_t>(run.n[1]);
  const auto* src = static_cast<const uint8_t*>(run.src);
  auto* dst = static_cast<uint8_t*>(run.dst);
  const size_t src_size = lengths.src * Op::kSrcSize, dst_size = lengths.dst * Op::kDstSize;
  const size_t careful =
      HWY_MAX(TextsReached(lengths.src, lanes), TextsReached(lengths.dst, lanes));
  const auto rest = hn::FirstN(d, lengths.kept % lanes);
  auto seen = hn::Zero(d);
  typename Op::Lane scalar = 0;
  size_t i = 0;
  for (; i + careful < n; ++i) {
    ConvertText<Op>(src + i * src_size, dst + i * dst_size, lengths, rest, seen);
  }
  for (; i < n; ++i) {
    uint8_t* const text = dst + i * dst_size;
    ConvertRow<Op>(src + i * src_size, text, lengths.kept, seen, scalar);
    const size_t kept_size = lengths.kept * Op::kDstSize;
    memset(text + kept_size, 0, dst_size - kept_size);
  }
  return FoundIn<Op>(seen, scalar);
}

// What is among the characters that are cut off.
template <class Op>
HWY_NOINLINE Found FoundInCutOff(const sc_run& run, Lengths lengths) {
  const typename Op::D d;
  const size_t lanes = hn::Lanes(d), n = static_cast<size_t>(run.n[1]);
  const size_t size = lengths.src * Op::kSrcSize;
  const size_t careful = TextsReached(lengths.src, lanes);
  const size_t cut = lengths.src - lengths.kept;
  const auto rest = hn::FirstN(d, cut % lanes);
  const auto* text = static_cast<const uint8_t*>(run.src) + lengths.kept * Op::kSrcSize;
  auto seen = hn::Zero(d);
  typename Op::Lane scalar = 0;
  size_t i = 0;
  for (; i + careful < n; ++i, text += size) {
    size_t at = 0;
    for (; at + lanes <= cut; at += lanes) {
      seen = hn::Or(seen, Op::Load(text + at * Op::kSrcSize));
    }
    if (at < cut) seen = hn::Or(seen, LoadRest<Op>(text + at * Op::kSrcSize, rest));
  }
  for (; i < n; ++i, text += size) {
    for (size_t at = 0; at < cut; ++at) {
      scalar = static_cast<typename Op::Lane>(scalar | LoadOne<Op>(text + at * Op::kSrcSize));
    }
  }
  return FoundIn<Op>(seen, scalar);
}

template <class Op, bool kAsciiOnly>
uint32_t Convert(const sc_run* run) {
  const auto& params = *static_cast<const TextParams*>(run->params);
  const auto lengths = Lengths::Of<Op>(*run);
  const auto n = static_cast<size_t>(run->n[1]);
  Found found = Found::kNuls;
  if (lengths.src == lengths.dst) {
    found = ConvertRun<Op>(static_cast<const uint8_t*>(run->src), static_cast<uint8_t*>(run->dst),
                           lengths.src * n);
  } else if (lengths.src == 0) {
    memset(run->dst, 0, n * lengths.dst * Op::kDstSize);
  } else if (lengths.dst != 0) {
    found = ConvertTexts<Op>(*run, lengths);
  }
  uint32_t errors = kAsciiOnly && found == Found::kMore ? uint32_t{SC_ERR_TEXT} : 0u;
  if (lengths.kept < lengths.src && (kAsciiOnly || params.refuse_truncation)) {
    const Found cut = FoundInCutOff<Op>(*run, lengths);
    if (kAsciiOnly && cut == Found::kMore) errors |= SC_ERR_TEXT;
    if (params.refuse_truncation && cut != Found::kNuls) errors |= SC_ERR_OVERFLOW;
  }
  return errors;
}

// Characters keep their bytes, whatever their size. Vectors that are much longer than a text would
// mostly be written over.
uint32_t Resize(const sc_run* run) {
  using Long = hn::ScalableTag<uint8_t>;
  using Short = hn::CappedTag<uint8_t, 16>;
  return run->dst_size > 64 ? Convert<Keep<Long>, false>(run) : Convert<Keep<Short>, false>(run);
}

constexpr sc_entry Entry(sc_kernel run, const char* name) {
  return PackedEntry(run, name, SC_ACCESS_PACKED, SC_TRAIT_MAY_FAIL);
}

}  // namespace

void FillText(KernelTable& table) {
  table.resize_bytes = Entry(Resize, "resize bytes");
  table.resize_ucs4 = Entry(Resize, "resize ucs4");
  table.bytes_to_ucs4 = Entry(Convert<Widen, true>, "convert bytes ucs4");
  table.ucs4_to_bytes = Entry(Convert<Narrow, true>, "convert ucs4 bytes");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
