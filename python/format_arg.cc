// What a caller means by a format; see format_arg.h. A str is always a format text: dtype names are
// recognised only to say in the error which text was meant.
#include "python/format_arg.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <unordered_map>

#include "python/bindings.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/numpy_dtype.h"

namespace stridecast::python {
namespace {

struct NamedText {
  std::string_view name, text;
};

// NumPy's names for types, and the texts that say the same.
constexpr NamedText kDtypeNames[] = {
    {"bool", "?"},        {"bool_", "?"},
    {"int8", "b"},        {"uint8", "B"},
    {"byte", "b"},        {"ubyte", "B"},
    {"int16", "h"},       {"uint16", "H"},
    {"short", "h"},       {"ushort", "H"},
    {"int32", "i"},       {"uint32", "I"},
    {"intc", "i"},        {"uintc", "I"},
    {"int64", "q"},       {"uint64", "Q"},
    {"int", "q"},         {"uint", "Q"},
    {"long", "q"},        {"ulong", "Q"},
    {"intp", "q"},        {"uintp", "Q"},
    {"longlong", "q"},    {"ulonglong", "Q"},
    {"float16", "e"},     {"half", "e"},
    {"float32", "f"},     {"single", "f"},
    {"float64", "d"},     {"double", "d"},
    {"float", "d"},       {"longdouble", "g"},
    {"float128", "g"},    {"bfloat16", kBFloat16Code},
    {"complex64", "Zf"},  {"csingle", "Zf"},
    {"complex128", "Zd"}, {"cdouble", "Zd"},
    {"complex", "Zd"},    {"clongdouble", "Zg"},
    {"complex256", "Zg"}, {"complex32", "Ze"},
    {"fp16", "e"},        {"fp32", "f"},
    {"fp64", "d"},        {"bf16", kBFloat16Code},
    {"f16", "e"},         {"f32", "f"},
    {"f64", "d"},         {"bcomplex32", kComplexBFloat16Code},
};

// kind and itemsize of NumPy's type strings.
constexpr NamedText kTypeStrings[] = {
    {"b1", "?"},  {"i1", "b"},   {"u1", "B"}, {"i2", "h"}, {"u2", "H"}, {"i4", "i"},
    {"u4", "I"},  {"i8", "q"},   {"u8", "Q"}, {"f2", "e"}, {"f4", "f"}, {"f8", "d"},
    {"c8", "Zf"}, {"c16", "Zd"}, {"S", "s"},  {"U", "w"},  {"V", "x"},  {"a", "s"},
};

// A type of ml_dtypes that formats know by name alone.
bool is_narrow_name(std::string_view name) {
  for (int type = 0; type < kNumReal; ++type) {
    const TypeFacts& facts = type_facts(static_cast<DType>(type));
    if (is_narrow(facts.id) && name == facts.name) return true;
  }
  return false;
}

template <size_t N>
std::string_view find_text(const NamedText (&table)[N], std::string_view name) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const NamedText& entry) { return entry.name == name; });
  return found == std::end(table) ? std::string_view() : found->text;
}

// "datetime64[us]", "M8[us]" and the like.
std::string time_text(std::string_view name) {
  constexpr NamedText kPrefixes[] = {{"datetime64", "datetime64"},
                                     {"M8", "datetime64"},
                                     {"timedelta64", "timedelta64"},
                                     {"m8", "timedelta64"}};
  for (const auto& [prefix, type] : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    std::string_view unit = name.substr(prefix.size());
    if (!unit.empty() && (unit.front() != '[' || unit.back() != ']')) return "";
    if (!unit.empty()) unit = unit.substr(1, unit.size() - 2);
    return "[numpy$" + std::string(type) + "$" + std::string(unit) + "]";
  }
  return "";
}

// The format text that was meant by a NumPy dtype name or type string; empty if `name` is none.
std::string meant_by(std::string_view name) {
  std::string mark;
  if (!name.empty() && (name[0] == '<' || name[0] == '>' || name[0] == '=' || name[0] == '|')) {
    const char native = kHostOrder == ByteOrder::kLittle ? '<' : '>';
    if (name[0] == '<' || name[0] == '>') mark = name[0] == native ? "" : std::string(1, name[0]);
    name.remove_prefix(1);
  }
  if (std::string_view text = find_text(kDtypeNames, name); !text.empty()) {
    return mark + std::string(text);
  }
  if (std::string_view text = find_text(kTypeStrings, name); !text.empty()) {
    return mark + std::string(text);
  }
  if (is_narrow_name(name)) {
    return mark + "[ml_dtypes$" + std::string(name) + "$]";
  }
  if (std::string text = time_text(name); !text.empty()) return mark + text;
  // Flexible types: S5, U5, V5.
  if (name.size() > 1 && std::all_of(name.begin() + 1, name.end(),
                                     [](unsigned char c) { return std::isdigit(c) != 0; })) {
    if (std::string_view text = find_text(kTypeStrings, name.substr(0, 1)); !text.empty()) {
      return mark + std::string(name.substr(1)) + std::string(text);
    }
  }
  return "";
}

std::string escaped(const std::string& parameter) {
  constexpr std::string_view kSpecial = "%[]; :";
  std::string text;
  for (char c : parameter) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && kSpecial.find(c) == std::string_view::npos) {
      text += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

std::string spelling(const CustomType& type) {
  return type.module + "$" + type.qualname + "$" + escaped(type.param);
}

// A builtin type that NumPy also maps to one format.
const char* builtin_code(PyObject* type) {
  if (type == reinterpret_cast<PyObject*>(&PyFloat_Type)) return "d";
  if (type == reinterpret_cast<PyObject*>(&PyLong_Type)) return "q";
  if (type == reinterpret_cast<PyObject*>(&PyBool_Type)) return "?";
  if (type == reinterpret_cast<PyObject*>(&PyComplex_Type)) return "Zd";
  return nullptr;
}

// For the message about a torch.dtype: the text that says the same. torch calls its types what
// NumPy and ml_dtypes do; it is not imported for the question.
std::string meant_by_torch(PyObject* argument) {
  if (type_name_of(argument) != "torch.dtype") return "";
  const std::string name = text_of(checked(PyObject_Repr(argument)));
  constexpr std::string_view kPrefix = "torch.";
  if (!name.starts_with(kPrefix)) return "";
  const std::string meant = meant_by(std::string_view(name).substr(kPrefix.size()));
  return meant.empty() ? "" : "; the format text for " + name + " is '" + meant + "'";
}

Format format_of_other(PyObject* argument) {
  if (PyUnicode_Check(argument) || PyBytes_Check(argument)) {
    const std::string text = text_of(argument);
    try {
      return Format::parse(text);
    } catch (const Error& error) {
      throw with_hint(error, text);
    }
  }
  if (const char* code = builtin_code(argument)) return Format::parse(code);
  if (nb::object dtype = dtype_of_scalar_type(argument)) return *format_of_dtype(dtype.ptr());
  const std::string meant = meant_by_torch(argument);
  raise(PyExc_TypeError,
        "a format must be a format text, a Format, a dtype or a scalar type, not %.200s%s",
        (PyType_Check(argument) ? class_name(argument) : type_name_of(argument)).c_str(),
        meant.c_str());
}

}  // namespace

FormatRef held(Format format) {
  constexpr size_t kCapacity = 4096;
  static nb::ft_mutex& mutex = *new nb::ft_mutex;
  static auto& formats =
      *new std::unordered_map<const void*, Format>;  // addresses stay as it grows
  nb::ft_lock_guard lock(mutex);
  auto found = formats.find(format.id());
  if (found == formats.end()) {
    if (formats.size() >= kCapacity) return FormatRef(std::move(format));
    found = formats.emplace(format.id(), std::move(format)).first;
  }
  return FormatRef(&found->second);
}

FormatRef format_of_argument(PyObject* fmt) {
  static FormatCache& cache =
      *new FormatCache;  // never destroyed: the interpreter may be gone by then
  if (const Format* format = format_in(fmt)) return FormatRef(format);
  if (is_dtype(fmt)) return format_of_dtype(fmt);
  return cache.get(fmt, nullptr, [fmt] { return format_of_other(fmt); });
}

std::string text_of(nb::handle text) {
  char* bytes = nullptr;
  Py_ssize_t size = 0;
  nb::object encoded;
  if (PyUnicode_Check(text.ptr())) {
    if (const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size)) {
      return std::string(utf8, static_cast<size_t>(size));
    }
    PyErr_Clear();
    // Lone surrogates reach the parser as the bytes they are, which then says where they are.
    encoded = checked(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
  } else if (PyBytes_Check(text.ptr())) {
    encoded = nb::borrow(text);
  } else {
    raise(PyExc_TypeError, "a format text must be str or bytes, not %.200s",
          type_name_of(text).c_str());
  }
  if (PyBytes_AsStringAndSize(encoded.ptr(), &bytes, &size) != 0) raise_current();
  return std::string(bytes, static_cast<size_t>(size));
}

nb::object text_object(const std::string& bytes) {
  return checked(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()),
                                      "backslashreplace"));
}

Error with_hint(const Error& error, std::string_view text) {
  const std::string meant = meant_by(text);
  if (meant.empty()) return error;
  // At the end of the first line: the text with the caret follows it.
  std::string message = error.what();
  message.insert(
      std::min(message.find('\n'), message.size()),
      "; '" + std::string(text) + "' is a NumPy dtype, the format text for it is '" + meant + "'");
  return Error(error.code(), error.kind(), error.position(), message);
}

std::string text_of_field(const Field& field, bool with_shape) {
  std::string text;
  if (with_shape && !field.shape.empty()) {
    text += '(';
    for (int64_t n : field.shape) text += std::to_string(n) + ",";
    text.back() = ')';
  }
  const bool swapped = field.order != ByteOrder::kNone && field.order != kHostOrder;
  text += swapped ? (field.order == ByteOrder::kBig ? ">" : "<") : "^";
  if (field.type == DType::kStruct && !field.custom) {
    text += "T{";
    int64_t end = 0;
    for (const Field& member : field.fields) {
      if (member.offset > end) text += "^" + std::to_string(member.offset - end) + "x";
      text += text_of_field(member, true);
      if (member.has_name) text += ":" + member.name + ":";
      end = member.itemsize;
      for (int64_t n : member.shape) end *= n;
      end += member.offset;
    }
    if (field.itemsize > end) text += "^" + std::to_string(field.itemsize - end) + "x";
    return text + "}";
  }
  if (field.custom) {
    text += "[" + spelling(*field.custom);
    for (const CustomType& alias : field.aliases) text += ";" + spelling(alias);
    return text + "]";
  }
  // Codes whose size depends on the mark ("l", "n") by their letter of fixed size.
  if (is_arithmetic(field.type)) return text + type_facts(field.type).code;
  return text + field.code;
}

}  // namespace stridecast::python
