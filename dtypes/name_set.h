// The names of one struct, to find one that is used twice.
#ifndef STRIDECAST_DTYPES_NAME_SET_H_
#define STRIDECAST_DTYPES_NAME_SET_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string_view>

namespace stridecast::internal {

// The names of one struct. Balanced tree rather than hash table: no text can make it slow. A struct
// of few members needs neither.
class NameSet {
 public:
  // False if `name` is there already.
  bool insert(std::string_view name) {
    if (!tree_.empty()) return tree_.insert(name).second;
    const auto end = few_.begin() + static_cast<std::ptrdiff_t>(num_few_);
    if (std::find(few_.begin(), end, name) != end) return false;
    if (num_few_ == kFew) {
      tree_.insert(few_.begin(), few_.end());
      tree_.insert(name);
    } else {
      few_[num_few_++] = name;
    }
    return true;
  }

 private:
  static constexpr size_t kFew = 12;
  std::array<std::string_view, kFew> few_;  // the first num_few_
  size_t num_few_ = 0;
  std::set<std::string_view> tree_;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_NAME_SET_H_
