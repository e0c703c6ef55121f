// Lists of C++ lane types and the DType each stands for, to fill kernel tables with.
#ifndef STRIDECAST_KERNELS_LANE_TYPES_H_
#define STRIDECAST_KERNELS_LANE_TYPES_H_

#include <cstddef>
#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::kernels {

// Stored as uint16_t lanes, told apart by these tags.
struct Float16 {};
struct BFloat16 {};

template <typename T>
inline constexpr DType kDTypeOf = DType::kOpaque;
template <>
inline constexpr DType kDTypeOf<int8_t> = DType::kInt8;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kUint8;
template <>
inline constexpr DType kDTypeOf<int16_t> = DType::kInt16;
template <>
inline constexpr DType kDTypeOf<uint16_t> = DType::kUint16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kInt32;
template <>
inline constexpr DType kDTypeOf<uint32_t> = DType::kUint32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kInt64;
template <>
inline constexpr DType kDTypeOf<uint64_t> = DType::kUint64;
template <>
inline constexpr DType kDTypeOf<Float16> = DType::kFloat16;
template <>
inline constexpr DType kDTypeOf<BFloat16> = DType::kBFloat16;
template <>
inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kFloat64;

template <typename... T>
struct Types {};
using Integers = Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>;

constexpr size_t Index(DType type) { return static_cast<size_t>(type); }

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_LANE_TYPES_H_
