// Packed rows from scratch to rows of the destination, past the caches: only whole lines are
// streamed, because a partial one costs a read of the line and a write of its own. What a panel of
// rows leaves of its last line is carried in CarryState to the panel that follows; the bytes before
// the first whole line of a row and after its last one are stored as usual.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/stream_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
//
#include "hwy/cache_control.h"
#include "kernels/rect-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kLine = kCarryLine;

HWY_INLINE void StreamLine(const uint8_t* from, uint8_t* line) {
  const hn::CappedTag<uint8_t, kLine> d8;
  for (size_t at = 0; at < kLine; at += hn::Lanes(d8)) {
    hn::Stream(hn::LoadU(d8, from + at), d8, line + at);
  }
}

// The line whose first `held` bytes are carried and the rest is at `from`.
HWY_INLINE void StreamMerged(const uint8_t* carried, size_t held, const uint8_t* from,
                             uint8_t* line) {
  const hn::CappedTag<uint8_t, kLine> d8;
  const size_t lanes = hn::Lanes(d8);
  for (size_t at = 0; at < kLine; at += lanes) {
    const size_t old = held > at ? HWY_MIN(held - at, lanes) : 0;
    hn::Stream(
        hn::IfThenElse(hn::FirstN(d8, old), hn::LoadU(d8, carried + at), hn::LoadU(d8, from + at)),
        d8, line + at);
  }
}

HWY_INLINE void KeepLine(const uint8_t* from, uint8_t* carried) {
  const hn::CappedTag<uint8_t, kLine> d8;
  for (size_t at = 0; at < kLine; at += hn::Lanes(d8)) {
    hn::StoreU(hn::LoadU(d8, from + at), d8, carried + at);
  }
}

// `from` is readable for a line before and after its `bytes`.
HWY_INLINE void StreamRow(const uint8_t* from, size_t bytes, uint8_t* dst, uint8_t* carried,
                          bool first, bool last) {
  const size_t held = reinterpret_cast<uintptr_t>(dst) % kLine;  // of the line, before this row
  uint8_t* const line = dst - held;
  from -= held;
  const size_t end = held + bytes;
  size_t at = 0;
  if (held != 0) {
    if (first) {
      at = HWY_MIN(end, kLine);
      memcpy(dst, from + held, at - held);
    } else if (end >= kLine) {
      StreamMerged(carried, held, from, line);
      at = kLine;
    } else if (last) {  // the rows end within the line
      memcpy(line, carried, held);
      at = held;
    } else {  // a narrow panel that fills no line
      memcpy(carried + held, from + held, bytes);
      return;
    }
  }
  for (; at + kLine <= end; at += kLine) StreamLine(from + at, line + at);
  if (at == end) return;
  if (last) {
    memcpy(line + at, from + at, end - at);
  } else {
    KeepLine(from + at, carried);
  }
}

uint32_t StreamRows(const sc_run* run) {
  const CarryState& carry = *static_cast<const CarryState*>(run->state);
  const uint8_t* src = static_cast<const uint8_t*>(run->src);
  uint8_t* dst = static_cast<uint8_t*>(run->dst);
  uint8_t* carried = carry.lines;
  const size_t bytes = static_cast<size_t>(run->n[1] * run->src_size);
  for (int64_t row = 0; row < run->n[0]; ++row) {
    StreamRow(src, bytes, dst, carried, carry.first, carry.last);
    src += run->src_step[0];
    dst += run->dst_step[0];
    carried += kLine;
  }
  return 0;
}

void FlushStreams() { hwy::FlushStream(); }

}  // namespace

void FillStreamRows(KernelTable& table) {
  sc_entry& entry = table.stream_rows;
  entry.run = &StreamRows;
  entry.name = "stream_rows";
  entry.src_access = SC_ACCESS_PACKED;
  entry.dst_access = SC_ACCESS_STRIDED;
  entry.needs = SC_NEEDS_STATE;
  entry.traits = SC_TRAIT_THREAD_SAFE;
  table.flush_streams = &FlushStreams;
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
