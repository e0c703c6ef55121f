// A small JSON reader for test data: objects, arrays, strings, integers, true, false, null. Throws
// std::runtime_error for anything else. Not for data from outside.
#ifndef STRIDECAST_TESTS_SUPPORT_JSON_READER_H_
#define STRIDECAST_TESTS_SUPPORT_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace stridecast::test {

struct Json {
  enum Kind : uint8_t { kNull, kBool, kInteger, kString, kArray, kObject };
  Kind kind = kNull;
  bool boolean = false;
  int64_t integer = 0;
  std::string string;
  std::vector<Json> items;        // of an array, or the values of an object
  std::vector<std::string> keys;  // of an object, one a value

  // The member of that name, or nullptr if there is none or it is null.
  const Json* find(std::string_view name) const {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == name) return items[i].kind == kNull ? nullptr : &items[i];
    }
    return nullptr;
  }
  const Json& at(std::string_view name) const {
    if (const Json* value = find(name)) return *value;
    throw std::runtime_error("no member " + std::string(name));
  }
};

class JsonReader {
 public:
  static Json read(std::string_view text) {
    JsonReader reader(text);
    Json value = reader.read_value();
    reader.skip_space();
    if (!reader.text_.empty()) throw std::runtime_error("text after the JSON value");
    return value;
  }

  static Json read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return read(std::string(std::istreambuf_iterator<char>(file), {}));
  }

 private:
  explicit JsonReader(std::string_view text) : text_(text) {}

  void skip_space() {
    const size_t start = text_.find_first_not_of(" \t\n\r");
    text_.remove_prefix(start == std::string_view::npos ? text_.size() : start);
  }
  char peek() const {
    if (text_.empty()) throw std::runtime_error("unexpected end of JSON");
    return text_.front();
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) throw std::runtime_error("expected " + std::string(token));
  }

  Json read_value() {
    Json value;
    if (take("null")) return value;
    value.kind = Json::kBool;
    if (take("false")) return value;
    value.boolean = true;
    if (take("true")) return value;
    const char c = peek();
    if (c == '"') {
      value.kind = Json::kString;
      value.string = read_string();
    } else if (take("[")) {
      value.kind = Json::kArray;
      read_list("]", [&] { value.items.push_back(read_value()); });
    } else if (take("{")) {
      value.kind = Json::kObject;
      read_list("}", [&] {
        skip_space();
        value.keys.push_back(read_string());
        expect(":");
        value.items.push_back(read_value());
      });
    } else {
      value.kind = Json::kInteger;
      value.integer = read_integer();
    }
    return value;
  }

  template <typename ReadItem>
  void read_list(std::string_view end, ReadItem read_item) {
    if (take(end)) return;
    do read_item();
    while (take(","));
    expect(end);
  }

  int64_t read_integer() {
    size_t length = 0;
    const int64_t value = std::stoll(std::string(text_.substr(0, 24)), &length);
    text_.remove_prefix(length);
    return value;
  }

  std::string read_string() {
    expect("\"");
    std::string value;
    while (peek() != '"') {
      const char c = text_.front();
      text_.remove_prefix(1);
      value += c == '\\' ? read_escape() : std::string(1, c);
    }
    text_.remove_prefix(1);
    return value;
  }

  std::string read_escape() {
    const char c = peek();
    text_.remove_prefix(1);
    switch (c) {
      case 't':
        return "\t";
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 'u':
        break;
      default:
        return std::string(1, c);
    }
    const unsigned code =
        static_cast<unsigned>(std::stoul(std::string(text_.substr(0, 4)), nullptr, 16));
    text_.remove_prefix(4);
    // UTF-8 of a code below U+10000; surrogates do not occur in our data.
    if (code < 0x80) return {static_cast<char>(code)};
    if (code < 0x800) {
      return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
    }
    return {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 63)),
            static_cast<char>(0x80 | (code & 63))};
  }

  std::string_view text_;
};

}  // namespace stridecast::test

#endif  // STRIDECAST_TESTS_SUPPORT_JSON_READER_H_
