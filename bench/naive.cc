// Tables of template instances, one a pair of types. Each has a loop for packed items, over typed
// pointers that do not overlap, and one for steps of any bytes, whose items may lie unaligned.
#include "bench/naive.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

namespace stridecast::bench {
namespace {

struct BFloat16 {
  uint16_t bits;
};

#ifdef STRIDECAST_BENCH_HAS_FLOAT16
using Float16 = _Float16;
#else
struct Float16 {};  // stands for a type that is not there
#endif

using Types = std::tuple<bool, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                         uint64_t, Float16, BFloat16, float, double>;
constexpr size_t kTypes = static_cast<size_t>(NaiveType::kCount);
static_assert(std::tuple_size_v<Types> == kTypes);

template <size_t kType>
using TypeAt = std::tuple_element_t<kType, Types>;

template <typename T>
inline constexpr bool kThere = !std::is_empty_v<T>;
template <typename T>
inline constexpr bool kIsBFloat16 = std::is_same_v<T, BFloat16>;

float widen(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

BFloat16 narrow(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t to_nearest = bits + 0x7FFF + (bits >> 16 & 1);
  const uint32_t quiet = bits | 0x400000;
  return {static_cast<uint16_t>((value != value ? quiet : to_nearest) >> 16)};
}

template <typename D, typename S>
D cast(S value) {
  if constexpr (std::is_same_v<S, D>) {
    return value;
  } else if constexpr (kIsBFloat16<S>) {
    return cast<D>(widen(value));
  } else if constexpr (kIsBFloat16<D>) {
    return narrow(static_cast<float>(value));
  } else {
    return static_cast<D>(value);
  }
}

template <size_t kBytes>
using Unsigned = std::tuple_element_t<std::bit_width(kBytes) - 1,
                                      std::tuple<uint8_t, uint16_t, uint32_t, uint64_t>>;

template <typename U>
U byteswap(U bits) {
  static_assert(sizeof(U) == 2 || sizeof(U) == 4 || sizeof(U) == 8);
  if constexpr (sizeof(U) == 2) return __builtin_bswap16(bits);
  if constexpr (sizeof(U) == 4) return __builtin_bswap32(bits);
  if constexpr (sizeof(U) == 8) return __builtin_bswap64(bits);
}

template <bool kSwapped, typename T>
T in_order(T value) {
  if constexpr (kSwapped) {
    return std::bit_cast<T>(byteswap(std::bit_cast<Unsigned<sizeof(T)>>(value)));
  } else {
    return value;
  }
}

template <typename S, typename D, bool kSwapped>
void cast_packed(const S* __restrict src, D* __restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] = cast<D>(in_order<kSwapped>(src[i]));
}

template <typename S, typename D, bool kSwapped>
void cast_apart(const char* src, int64_t src_step, char* dst, int64_t dst_step, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    S item;
    std::memcpy(&item, src + i * src_step, sizeof(S));
    const D result = cast<D>(in_order<kSwapped>(item));
    std::memcpy(dst + i * dst_step, &result, sizeof(D));
  }
}

template <typename T>
bool aligned(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % alignof(T) == 0;
}

template <typename S, typename D, bool kSwapped>
void cast_rows(const Rows& rows) {
  const bool packed = rows.src_step[1] == sizeof(S) && rows.dst_step[1] == sizeof(D);
  for (int64_t i = 0; i < rows.n[0]; ++i) {
    const char* src = static_cast<const char*>(rows.src) + i * rows.src_step[0];
    char* dst = static_cast<char*>(rows.dst) + i * rows.dst_step[0];
    if (packed && aligned<S>(src) && aligned<D>(dst)) {
      cast_packed<S, D, kSwapped>(reinterpret_cast<const S*>(src), reinterpret_cast<D*>(dst),
                                  rows.n[1]);
    } else {
      cast_apart<S, D, kSwapped>(src, rows.src_step[1], dst, rows.dst_step[1], rows.n[1]);
    }
  }
}

template <size_t kPair, bool kSwapped>
constexpr RowsLoop cast_of_pair() {
  using S = TypeAt<kPair / kTypes>;
  using D = TypeAt<kPair % kTypes>;
  if constexpr (kThere<S> && kThere<D> && !(kSwapped && sizeof(S) == 1)) {
    return cast_rows<S, D, kSwapped>;
  } else {
    return nullptr;
  }
}

template <bool kSwapped, size_t... kPairs>
constexpr std::array<RowsLoop, sizeof...(kPairs)> casts(std::index_sequence<kPairs...>) {
  return {cast_of_pair<kPairs, kSwapped>()...};
}

template <typename U>
void byteswap_packed(void* items, int64_t count) {
  auto* all = static_cast<U*>(items);
  for (int64_t i = 0; i < count; ++i) all[i] = byteswap(all[i]);
}

// What items of a type are added in, and what is larger of two.
template <typename T>
using Added = std::conditional_t<
    kIsBFloat16<T> || std::is_same_v<T, Float16>, float,
    std::conditional_t<
        std::is_floating_point_v<T>, T,
        std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>, uint64_t, int64_t>>>;

template <typename T>
void sum(const void* items, int64_t count, void* result) {
  const auto* all = static_cast<const T*>(items);
  Added<T> total = 0;
  for (int64_t i = 0; i < count; ++i) total += cast<Added<T>>(all[i]);
  using Result = std::conditional_t<std::is_same_v<Added<T>, float>, T, Added<T>>;
  const auto rounded = cast<Result>(total);
  std::memcpy(result, &rounded, sizeof(rounded));
}

template <typename T>
void maximum(const void* items, int64_t count, void* result) {
  const auto* all = static_cast<const T*>(items);
  auto best = cast<Added<T>>(all[0]);
  for (int64_t i = 1; i < count; ++i) best = std::max(best, cast<Added<T>>(all[i]));
  const T item = cast<T>(best);
  std::memcpy(result, &item, sizeof(item));
}

template <typename T>
void first_maximum(const void* items, int64_t count, void* result) {
  const auto* all = static_cast<const T*>(items);
  auto best = cast<Added<T>>(all[0]);
  int64_t place = 0;
  for (int64_t i = 1; i < count; ++i) {
    const auto item = cast<Added<T>>(all[i]);
    if (item > best) {
      best = item;
      place = i;
    }
  }
  std::memcpy(result, &place, sizeof(place));
}

using Folds = std::array<FoldLoop, static_cast<size_t>(NaiveFold::kCount)>;

template <typename T>
constexpr Folds folds_of() {
  if constexpr (kThere<T>) {
    return {sum<T>, maximum<T>, first_maximum<T>};
  } else {
    return {};
  }
}

template <size_t... kEach>
constexpr std::array<Folds, sizeof...(kEach)> folds(std::index_sequence<kEach...>) {
  return {folds_of<TypeAt<kEach>>()...};
}

constexpr int64_t kBlock = 32;

// Through a copy of the block: rows of a power of two bytes compete for few cache sets.
template <typename T>
void transpose_block(const T* __restrict src, int64_t src_row, T* __restrict dst, int64_t dst_row) {
  T block[kBlock][kBlock];
  for (int64_t i = 0; i < kBlock; ++i) std::memcpy(block[i], src + i * src_row, sizeof(block[i]));
  for (int64_t j = 0; j < kBlock; ++j) {
    for (int64_t i = 0; i < kBlock; ++i) dst[j * dst_row + i] = block[i][j];
  }
}

template <typename T>
void transpose_edge(const T* src, int64_t src_row, T* dst, int64_t dst_row, int64_t rows,
                    int64_t columns) {
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) dst[j * dst_row + i] = src[i * src_row + j];
  }
}

template <typename T>
void transpose(const void* src, int64_t rows, int64_t columns, void* dst) {
  const auto* in = static_cast<const T*>(src);
  auto* out = static_cast<T*>(dst);
  for (int64_t i = 0; i < rows; i += kBlock) {
    for (int64_t j = 0; j < columns; j += kBlock) {
      const T* from = in + i * columns + j;
      T* to = out + j * rows + i;
      if (i + kBlock <= rows && j + kBlock <= columns) {
        transpose_block(from, columns, to, rows);
      } else {
        transpose_edge(from, columns, to, rows, std::min(kBlock, rows - i),
                       std::min(kBlock, columns - j));
      }
    }
  }
}

// Rows of a table by bytes of an item; null for other sizes.
template <typename Loop>
Loop by_size(int item_bytes, const std::array<Loop, 4>& loops) {
  const auto bytes = static_cast<unsigned>(item_bytes);
  return std::has_single_bit(bytes) && bytes <= 8 ? loops[std::countr_zero(bytes)] : nullptr;
}

}  // namespace

RowsLoop naive_cast(NaiveType src, NaiveType dst, bool swapped) {
  constexpr auto kPairs = std::make_index_sequence<kTypes * kTypes>();
  static constexpr auto kNative = casts<false>(kPairs);
  static constexpr auto kSwapped = casts<true>(kPairs);
  const size_t pair = static_cast<size_t>(src) * kTypes + static_cast<size_t>(dst);
  return swapped ? kSwapped[pair] : kNative[pair];
}

InplaceLoop naive_byteswap(int item_bytes) {
  return by_size<InplaceLoop>(item_bytes, {nullptr, byteswap_packed<uint16_t>,
                                           byteswap_packed<uint32_t>, byteswap_packed<uint64_t>});
}

FoldLoop naive_fold(NaiveFold fold, NaiveType type) {
  static constexpr auto kFolds = folds(std::make_index_sequence<kTypes>());
  return kFolds[static_cast<size_t>(type)][static_cast<size_t>(fold)];
}

TransposeLoop blocked_transpose(int item_bytes) {
  return by_size<TransposeLoop>(item_bytes, {transpose<uint8_t>, transpose<uint16_t>,
                                             transpose<uint32_t>, transpose<uint64_t>});
}

}  // namespace stridecast::bench
