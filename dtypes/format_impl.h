// The shared body of a Format, and how bodies are made: canonicalised, printed and interned.
#ifndef STRIDECAST_DTYPES_FORMAT_IMPL_H_
#define STRIDECAST_DTYPES_FORMAT_IMPL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dtypes/format_parser.h"
#include "stridecast/format.h"

namespace stridecast {
inline namespace v0 {

// Immutable once interned. Equal (text, itemsize, known_types) means the same body while one of
// them lives.
struct Format::Impl {
  std::string text;         // canonical
  size_t hash = 0;          // of text and itemsize, for the table of living bodies
  int64_t itemsize = 0;     // bytes
  int64_t known_types = 0;  // what was known of the custom types when the text was parsed
  int64_t alignment = 1;    // what the layout itself keeps, see format_printer.h
  std::vector<Field> fields;

  Impl() = default;
  ~Impl();  // leaves the interning table
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

}  // namespace v0

namespace internal {

// The body of what a text says: Format::parse without the cache of texts.
std::shared_ptr<const Format::Impl> make_body(ParseTree tree);

// The format of one element of `field` on its own, without its name and sub-array: what the part of
// the text that describes it would give.
Format format_of_field(const Field& field);

// Around fork(): the tables' mutexes must not be held by a thread that the child does not have.
void lock_format_tables();
void unlock_format_tables();

}  // namespace internal
}  // namespace stridecast

#endif  // STRIDECAST_DTYPES_FORMAT_IMPL_H_
