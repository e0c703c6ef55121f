// Small floats and times as xsimd batches, for programs that write their loops with xsimd: as
// xtensor, Pythran and Arrow do. A loop reads and writes these types in memory and computes in
// float, double or int64_t between, without a pass of its own for the conversion.
//
//     namespace sc = stridecast;
//     using Batch = xsimd::batch<float>;
//     void scale(const sc::bfloat16* x, float factor, sc::bfloat16* y, size_t n) {
//       size_t i = 0;
//       for (; i + Batch::size <= n; i += Batch::size) {
//         sc::store_as(y + i, factor * sc::load_as<Batch>(x + i));
//       }
//       sc::store_as(y + i, factor * sc::load_as<Batch>(x + i, n - i), n - i);
//     }
//
// examples/xsimd_axpy.cc is a whole program. Headers only: links nothing of stridecast, and is not
// part of stridecast/stridecast.h. Needs xsimd 13 or newer; CMake's target stridecast::xsimd finds
// it. Works for every architecture of xsimd, and its results have the same bits on all of them,
// those of stridecast's own conversions:
//
//     in memory                as a batch of  read                written
//     float16, bfloat16        float          exact               rounded once, to nearest, ties to
//                                                                 even; subnormals kept
//     float8_*                 float          exact               the same
//     datetime64, timedelta64  int64_t        the bits            the bits
//                              double         rounded above 2^53  towards zero; NaN, infinities and
//                                             NaT is NaN          what does not fit become NaT
//
// A float that is too large becomes infinity, NaN in types without infinities. A NaN stays one,
// quiet and of the same sign (float8_*fnuz and float8_e8m0fnu have one NaN in all): float16 keeps
// the upper bits of its payload, the other small types have one NaN a sign. bfloat16 read keeps its
// payload. float8_e8m0fnu has no zero and no sign: both become NaN, and so do infinities; ties go
// to the larger power of two.
//
// The floating-point environment is the default one: rounding to nearest. Times as double need a
// compiler that minds NaNs (no -ffast-math); all else does not.
#ifndef STRIDECAST_XSIMD_H_
#define STRIDECAST_XSIMD_H_

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "stridecast/value_types.h"
#include "stridecast/xsimd-inl.h"

namespace stridecast {
inline namespace v0 {

/// The B::size items at `p`, which need not be aligned, as batch B. T is one of the types of
/// value_types.h, B an xsimd::batch of what the table above says, for any architecture.
template <class B, class T>
XSIMD_INLINE B load_as(const T* p) {
  using A = typename B::arch_type;
  if constexpr (xsimd_detail::kSmallFloat<T>.bits != 0) {
    static_assert(std::is_same_v<B, xsimd::batch<float, A>>, "small floats are read as float");
    return xsimd_detail::load_float<T, A>(p);
  } else {
    static_assert(xsimd_detail::kIsTime<T>, "T is none of value_types.h");
    const auto time = xsimd_detail::load_bytes<xsimd::batch<int64_t, A>>(p);
    if constexpr (std::is_same_v<B, xsimd::batch<double, A>>) {
      return xsimd_detail::time_to_double<A>(time);
    } else {
      static_assert(std::is_same_v<B, xsimd::batch<int64_t, A>>, "times: int64_t or double");
      return time;
    }
  }
}

/// Writes the B::size lanes of `b` to the items at `p`, which need not be aligned.
template <class T, class B>
XSIMD_INLINE void store_as(T* p, B b) {
  using A = typename B::arch_type;
  if constexpr (xsimd_detail::kSmallFloat<T>.bits != 0) {
    static_assert(std::is_same_v<B, xsimd::batch<float, A>>, "small floats are written from float");
    xsimd_detail::store_float<T, A>(p, b);
  } else {
    static_assert(xsimd_detail::kIsTime<T>, "T is none of value_types.h");
    if constexpr (std::is_same_v<B, xsimd::batch<double, A>>) {
      xsimd_detail::store_bytes(p, xsimd_detail::double_to_time<A>(b));
    } else {
      static_assert(std::is_same_v<B, xsimd::batch<int64_t, A>>, "times: int64_t or double");
      xsimd_detail::store_bytes(p, b);
    }
  }
}

/// The first `n` items at `p`, at most B::size, for the end of an array: nothing behind them is
/// read. The other lanes are 0 (2^-127 of float8_e8m0fnu, which has no zero).
template <class B, class T>
XSIMD_INLINE B load_as(const T* p, size_t n) {
  T items[B::size] = {};
  if (n != 0) std::memcpy(static_cast<void*>(items), static_cast<const void*>(p), n * sizeof(T));
  return load_as<B>(static_cast<const T*>(items));
}

/// Writes the first `n` lanes of `b`, at most B::size, and nothing behind them.
template <class T, class B>
XSIMD_INLINE void store_as(T* p, B b, size_t n) {
  T items[B::size];
  store_as(static_cast<T*>(items), b);
  if (n != 0) std::memcpy(static_cast<void*>(p), static_cast<const void*>(items), n * sizeof(T));
}

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_XSIMD_H_
