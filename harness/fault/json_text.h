#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hydrapool::harness {

/// JSON as it goes by, from its beginning to its end: no tree is made of it, nor is anything copied, for
/// /status.json is read many times a second.
///
///     JsonText json(text);
///     std::int64_t pid = 0;
///     json.Object([&](std::string_view name) {
///       if (name == "pid") { pid = json.Number(); } else { json.Skip(); }   // it takes the value, and no
///       more
///     });
///     json.End();
///     if (!json.error().empty()) …
///
/// After a mistake there is nothing left of it: numbers are 0, strings are empty, objects have no members.
/// Not promised: escapes and UTF-8 are left as they are written.
class JsonText {
 public:
  explicit JsonText(std::string_view text) : rest_(text) {}

  /// What comes next, behind blanks: one of { [ " t f n - 0 to 9; '\0': nothing does.
  char Next();
  template <typename Member>
  void Object(Member member) {
    if (!Take('{')) return;
    for (bool more = Next() != '}' || !Take('}'); more; more = Goes('}')) {
      const std::string_view name = String();
      if (!Take(':')) return;
      member(name);
    }
  }
  template <typename Element>
  void Array(Element element) {
    if (!Take('[')) return;
    for (bool more = Next() != ']' || !Take(']'); more; more = Goes(']')) element();
  }
  std::string_view String();
  /// What stands behind a decimal point is left out.
  std::int64_t Number();
  void Skip();
  /// Nothing more may come.
  void End();

  void Fail(std::string why);
  [[nodiscard]] const std::string& error() const { return error_; }  ///< The first mistake; empty: none.

 private:
  static constexpr int kDeepest = 64;

  bool Take(char wanted);
  /// Behind a member or element: a comma, and so another one comes; or the end.
  bool Goes(char end);
  void TakeWord();

  std::string_view rest_;
  std::string error_;
  int depth_ = 0;
};

}  // namespace hydrapool::harness
