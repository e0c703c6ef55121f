// Whatever names a format in an argument, as a Format: texts, Format objects, NumPy dtypes, scalar
// types. Every answer is remembered, so that a small call parses nothing.
#ifndef STRIDECAST_PYTHON_FORMAT_ARG_H_
#define STRIDECAST_PYTHON_FORMAT_ARG_H_

#include <nanobind/nanobind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// A Format that costs nothing to pass on: one that lives as long as the process, or as an object
/// in the caller's hands, else a copy of its own.
class FormatRef {
 public:
  explicit FormatRef(const Format* held) : format_(std::shared_ptr<const Format>(), held) {}
  explicit FormatRef(Format&& own) : format_(std::make_shared<const Format>(std::move(own))) {}
  const Format& operator*() const { return *format_; }
  const Format* operator->() const { return format_.get(); }

 private:
  std::shared_ptr<const Format> format_;  // owns nothing where another holds the format
};

/// A reference to `format` that is never dropped; once too many are held, a copy.
FormatRef held(Format format);

/// Formats by the identity of the Python object that names them: a table that holds a reference to
/// each key, so that an address means the same object for as long as it is in the table. Each key
/// has a choice of four places: NumPy's own dtypes lie in memory such that the uint16 of one
/// operand would else drive out the float32 of the other, call after call.
class FormatCache {
 public:
  /// The format of `key`, from the table or by `make()`. `version` is an object that changes
  /// whenever the meaning of a mutable key does, or null.
  template <class Make>
  FormatRef get(PyObject* key, PyObject* version, Make&& make) {
    Places& places = sets_[(reinterpret_cast<uintptr_t>(key) >> 4) % sets_.size()];
    const uint64_t known = known_types();
    {
      nb::ft_lock_guard lock(mutex_);
      for (const Entry& entry : places) {
        if (entry.key.ptr() == key && entry.version.ptr() == version && entry.known == known) {
          return entry.format;
        }
      }
    }
    Entry made{nb::borrow(key), nb::borrow(version), held(make()), known};
    FormatRef result = made.format;
    {
      nb::ft_lock_guard lock(mutex_);
      const auto place = std::find_if(places.begin(), places.end() - 1,
                                      [&](const Entry& entry) { return entry.key.ptr() == key; });
      std::swap(*place, made);  // the replaced references are dropped after the lock
      std::rotate(places.begin(), place, place + 1);
    }
    return result;
  }

 private:
  struct Entry {
    nb::object key, version;
    FormatRef format{nullptr};
    uint64_t known = 0;
  };
  using Places = std::array<Entry, 4>;  // newest first
  std::array<Places, 64> sets_;
  [[no_unique_address]] nb::ft_mutex mutex_;
};

/// The format that an argument `fmt` means: a str or bytes (always a format text), a Format, a
/// NumPy dtype, a NumPy or ml_dtypes scalar type, or bool, int, float, complex. Raises FormatError
/// or TypeError.
FormatRef format_of_argument(PyObject* fmt);

/// The bytes of a str or bytes argument.
std::string text_of(nb::handle text);

/// The text of a format or a part of it as a str; bytes that are no UTF-8 appear escaped.
nb::object text_object(const std::string& bytes);

/// A FormatError that also names the format text that was meant if `text` looks like a NumPy dtype
/// name
/// ("float32", "<f4", "datetime64[us]"); else `error` itself.
Error with_hint(const Error& error, std::string_view text);

/// The text of one field on its own, which Format::parse reads; shape left out unless `with_shape`.
std::string text_of_field(const Field& field, bool with_shape);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_FORMAT_ARG_H_
