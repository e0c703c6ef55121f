// stream(): vector loads folded by XOR into as many vector stores as the proportion asks for. One
// template instance per proportion; stream_lines() counts the proportion as it goes. Compiled for
// the build machine (-march=native), so that it uses full-width vectors without any dispatch.
#include "bench/stream.h"

#include <bit>
#include <cstring>

// The static target alone: this file is never shipped.
#define HWY_COMPILE_ONLY_STATIC
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::bench {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Bytes = hn::ScalableTag<uint8_t>;

// Reads kReads vectors for every kWrites vectors that it writes. `dst` is vector-aligned if kStore
// is non-temporal.
template <int kReads, int kWrites, Store kStore>
void stream_blocks(const uint8_t* src, uint8_t* dst, int64_t blocks) {
  const Bytes d;
  const size_t lanes = hn::Lanes(d);
  for (int64_t block = 0; block < blocks; ++block) {
    for (int w = 0; w < kWrites; ++w) {
      // Fewer reads than writes: a vector is written several times. More: several fold into one.
      auto value = hn::LoadU(d, src + static_cast<size_t>(w * kReads / kWrites) * lanes);
      for (int r = 1; r < kReads / kWrites; ++r) {
        value = hn::Xor(value, hn::LoadU(d, src + static_cast<size_t>(w + r) * lanes));
      }
      uint8_t* out = dst + static_cast<size_t>(w) * lanes;
      if constexpr (kStore == Store::kNonTemporal) {
        hn::Stream(value, d, out);
      } else {
        hn::StoreU(value, d, out);
      }
    }
    src += kReads * lanes;
    dst += kWrites * lanes;
  }
}

using BlockLoop = void (*)(const uint8_t*, uint8_t*, int64_t);

template <Store kStore>
BlockLoop block_loop(int reads, int writes) {
  // One side is 1 after the proportion is reduced; its row is the logarithm of the other.
  static constexpr BlockLoop kMoreReads[] = {
      stream_blocks<1, 1, kStore>, stream_blocks<2, 1, kStore>, stream_blocks<4, 1, kStore>,
      stream_blocks<8, 1, kStore>, stream_blocks<16, 1, kStore>};
  static constexpr BlockLoop kMoreWrites[] = {
      stream_blocks<1, 1, kStore>, stream_blocks<1, 2, kStore>, stream_blocks<1, 4, kStore>,
      stream_blocks<1, 8, kStore>, stream_blocks<1, 16, kStore>};
  return reads >= writes ? kMoreReads[std::countr_zero(static_cast<unsigned>(reads))]
                         : kMoreWrites[std::countr_zero(static_cast<unsigned>(writes))];
}

constexpr bool supported(int bytes) {
  return bytes >= 1 && bytes <= 16 && std::has_single_bit(static_cast<unsigned>(bytes));
}

// The few items before and after the vector blocks: copies what both sides have.
void stream_edge(const uint8_t* src, uint8_t* dst, int64_t items, int read_bytes, int write_bytes) {
  for (int64_t i = 0; i < items; ++i) {
    uint8_t item[16] = {};
    std::memcpy(item, src + i * read_bytes, static_cast<size_t>(read_bytes));
    std::memcpy(dst + i * write_bytes, item, static_cast<size_t>(write_bytes));
  }
}

constexpr int64_t kLine = 64;  // a multiple of every vector's size here
constexpr int64_t kPage = 4096;
constexpr int64_t kPages = 4;

bool on_line(const void* address) { return reinterpret_cast<uintptr_t>(address) % kLine == 0; }

template <Store kStore>
void lines(const uint8_t* src, int64_t src_bytes, uint8_t* dst, int64_t dst_bytes) {
  const Bytes d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t reads = src_bytes / lanes;
  const int64_t writes = dst_bytes / lanes;
  auto value = hn::Zero(d);
  int64_t due = 0;  // reads times `writes`, so that their proportion needs no division
  for (int64_t w = 0; w < writes; ++w) {
    for (due += reads; due >= writes; due -= writes, src += lanes) {
      value = hn::Xor(value, hn::LoadU(d, src));
    }
    if constexpr (kStore == Store::kNonTemporal) {
      hn::Stream(value, d, dst + w * lanes);
    } else {
      hn::StoreU(value, d, dst + w * lanes);
    }
  }
  // Less than a vector on either side.
  uint8_t edge = hn::GetLane(value);
  for (int64_t i = 0; i < src_bytes % lanes; ++i) edge ^= src[i];
  for (int64_t i = writes * lanes; i < dst_bytes; ++i) dst[i] = edge;
}

void stream_line(const uint8_t* src, uint8_t* dst) {
  const Bytes d;
  for (size_t i = 0; i < static_cast<size_t>(kLine); i += hn::Lanes(d)) {
    hn::Stream(hn::LoadU(d, src + i), d, dst + i);
  }
}

}  // namespace

bool stream_lines(const void* src, int64_t src_bytes, void* dst, int64_t dst_bytes, Store store) {
  const bool non_temporal = store == Store::kNonTemporal;
  if (src_bytes < 0 || dst_bytes < 0 || (non_temporal && !on_line(dst))) return false;
  const auto* in = static_cast<const uint8_t*>(src);
  auto* out = static_cast<uint8_t*>(dst);
  if (non_temporal) {
    lines<Store::kNonTemporal>(in, src_bytes, out, dst_bytes);
    hwy::FlushStream();
  } else {
    lines<Store::kNormal>(in, src_bytes, out, dst_bytes);
  }
  return true;
}

bool stream_pages(const void* src, void* dst, int64_t bytes) {
  if (bytes < 0 || !on_line(dst)) return false;
  const auto* in = static_cast<const uint8_t*>(src);
  auto* out = static_cast<uint8_t*>(dst);
  const int64_t blocks = bytes / (kPages * kPage);
  for (int64_t block = 0; block < blocks; ++block) {
    for (int64_t line = 0; line < kPage; line += kLine) {
      for (int64_t page = 0; page < kPages * kPage; page += kPage) {
        stream_line(in + page + line, out + page + line);
      }
    }
    in += kPages * kPage;
    out += kPages * kPage;
  }
  std::memcpy(out, in, static_cast<size_t>(bytes - blocks * kPages * kPage));
  hwy::FlushStream();
  return true;
}

uint64_t stream_read(const void* src, int64_t bytes) {
  const Bytes d;
  const hn::Repartition<uint64_t, Bytes> words;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto* in = static_cast<const uint8_t*>(src);
  // Four, so that no load waits for the one before it to be folded.
  auto v0 = hn::Zero(d);
  auto v1 = v0;
  auto v2 = v0;
  auto v3 = v0;
  int64_t done = 0;
  for (; done + 4 * lanes <= bytes; done += 4 * lanes) {
    v0 = hn::Xor(v0, hn::LoadU(d, in + done));
    v1 = hn::Xor(v1, hn::LoadU(d, in + done + lanes));
    v2 = hn::Xor(v2, hn::LoadU(d, in + done + 2 * lanes));
    v3 = hn::Xor(v3, hn::LoadU(d, in + done + 3 * lanes));
  }
  const auto folded = hn::Xor(hn::Xor(v0, v1), hn::Xor(v2, v3));
  uint64_t all = hn::ReduceSum(words, hn::BitCast(words, folded));
  for (; done < bytes; ++done) all += in[done];
  return all;
}

bool stream_write(void* dst, int64_t bytes, Store store) {
  const bool non_temporal = store == Store::kNonTemporal;
  if (bytes < 0 || (non_temporal && !on_line(dst))) return false;
  auto* out = static_cast<uint8_t*>(dst);
  const Bytes d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto value = hn::Set(d, 1);
  int64_t done = 0;
  if (non_temporal) {
    for (; done + lanes <= bytes; done += lanes) hn::Stream(value, d, out + done);
  } else {
    for (; done + lanes <= bytes; done += lanes) hn::StoreU(value, d, out + done);
  }
  for (; done < bytes; ++done) out[done] = 1;
  if (non_temporal) hwy::FlushStream();
  return true;
}

bool stream(const void* src, void* dst, int64_t items, int read_bytes, int write_bytes,
            Store store) {
  if (!supported(read_bytes) || !supported(write_bytes) || items < 0) return false;
  const auto* in = static_cast<const uint8_t*>(src);
  auto* out = static_cast<uint8_t*>(dst);
  const int common = read_bytes < write_bytes ? read_bytes : write_bytes;
  const int reads = read_bytes / common;
  const int writes = write_bytes / common;
  const auto lanes = static_cast<int64_t>(hn::Lanes(Bytes()));

  int64_t head = 0;
  if (store == Store::kNonTemporal) {
    const auto misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(out) % lanes);
    if (misaligned % write_bytes != 0) return false;
    head = misaligned == 0 ? 0 : (lanes - misaligned) / write_bytes;
    if (head > items) head = items;
    stream_edge(in, out, head, read_bytes, write_bytes);
  }
  const int64_t items_per_block = writes * lanes / write_bytes;
  const int64_t blocks = (items - head) / items_per_block;
  const BlockLoop loop = store == Store::kNonTemporal
                             ? block_loop<Store::kNonTemporal>(reads, writes)
                             : block_loop<Store::kNormal>(reads, writes);
  loop(in + head * read_bytes, out + head * write_bytes, blocks);
  const int64_t done = head + blocks * items_per_block;
  stream_edge(in + done * read_bytes, out + done * write_bytes, items - done, read_bytes,
              write_bytes);
  // Non-temporal stores are weakly ordered: a reader in another thread must see them.
  if (store == Store::kNonTemporal) hwy::FlushStream();
  return true;
}

}  // namespace stridecast::bench
HWY_AFTER_NAMESPACE();
