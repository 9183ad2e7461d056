#include "proxy/core/parameter_types.h"

#include <string>

#include "test/support/catch.h"

namespace weir {
namespace {

using namespace std::string_literals;

// One letter for a parameter: n(ull), i(nt), u(nsigned), d(ouble), t(ext), b(lob).
std::string types(std::string_view letters) {
  std::string out;
  for (const char letter : letters) {
    switch (letter) {
      case 'n':
        out += "\6\0"s;
        break;
      case 'i':
        out += "\x08\0"s;
        break;
      case 'u':
        out += "\x08\x80"s;
        break;
      case 'd':
        out += "\x05\0"s;
        break;
      case 't':
        out += "\xfd\0"s;
        break;
      default:
        out += "\xfc\0"s;
    }
  }
  return out;
}

std::string taken(std::initializer_list<std::string_view> executes) {
  std::string taken_for;
  for (const std::string_view execute : executes) {
    take_types(taken_for, types(execute));
    const std::string once = taken_for;
    take_types(taken_for, types(execute));
    CHECK(taken_for == once);
  }
  return taken_for;
}

// After other sessions have executed the statement like `server`, and this one like `client`
// before.
bool same(std::initializer_list<std::string_view> server,
          std::initializer_list<std::string_view> client, std::string_view execute,
          bool has_rows = false) {
  std::string known = taken(client);
  take_types(known, types(execute));
  return same_for_types(taken(server), known, types(execute), has_rows);
}

TEST_CASE("parameter types: the first execute settles them") {
  CHECK(taken({"it"}) == types("it"));
  CHECK(taken({"it", "it"}) == types("it"));
}

TEST_CASE("parameter types: texts and NULL always fit") {
  CHECK(taken({"id", "td"}) == types("id"));
  CHECK(taken({"id", "nn"}) == types("id"));
  CHECK(taken({"nd", "td"}) == types("td"));
  CHECK(taken({"tb", "bt"}) == types("tb"));
}

TEST_CASE("parameter types: all are settled anew by one that does not fit") {
  CHECK(taken({"id", "it", "dt"}) == types("dt"));
  CHECK(taken({"ti", "ni", "nd"}) == types("nd"));
  CHECK(taken({"i", "u"}) == types("u"));
  CHECK(taken({"n", "i"}) == types("i"));
  CHECK(taken({"t", "i"}) == types("i"));
}

TEST_CASE("parameter types: what a text means depends on who came before") {
  CHECK_FALSE(same({"i"}, {}, "t"));
  CHECK_FALSE(same({"t"}, {"i"}, "t"));
  CHECK_FALSE(same({"d"}, {"i"}, "t"));
  CHECK_FALSE(same({"t"}, {}, "b"));
  CHECK_FALSE(same({"n"}, {"i"}, "t"));
  CHECK(same({"t"}, {}, "t"));
  CHECK(same({"n"}, {}, "t"));
  CHECK(same({"i"}, {"i"}, "t"));
  CHECK(same({}, {"i"}, "t"));
}

TEST_CASE("parameter types: anything else means what it is") {
  CHECK(same({"t"}, {}, "i"));
  CHECK(same({"i"}, {"t"}, "n"));
  CHECK(same({"ti"}, {"it"}, "ni"));
  // The server settles a text anew along with the number, and so does the client's.
  CHECK(same({"it"}, {"tt"}, "td"));
  CHECK_FALSE(same({"it"}, {"id"}, "td"));
}

TEST_CASE("parameter types: the columns of rows show what a NULL is taken for") {
  CHECK(same({"i"}, {"d"}, "n"));
  CHECK_FALSE(same({"i"}, {"d"}, "n", true));
  CHECK_FALSE(same({"i"}, {}, "n", true));
  CHECK_FALSE(same({"n"}, {"i"}, "n", true));
  CHECK(same({"n"}, {"t"}, "n", true));
  CHECK(same({"t"}, {}, "n", true));
  CHECK(same({"d"}, {"d"}, "n", true));
  CHECK_FALSE(same({"it"}, {"id"}, "nd", true));  // all settled anew
}

TEST_CASE("parameter types: an execute before any types") {
  CHECK(same_for_types("", "", "", true));
  CHECK_FALSE(same_for_types(types("i"), "", "", true));
  std::string none;
  take_types(none, "");
  CHECK(none.empty());
}

TEST_CASE("parameter types: names are left out") {
  CHECK(bare_types(types("it"), 2, 0) == types("it"));
  const std::string named = types("i") + "\0"s + types("t") + "\3abc"s;
  CHECK(bare_types(named, 2, protocol::kQueryAttributes) == types("it"));
}

TEST_CASE("parameter types: a NULL has no other type") {
  std::string out;
  const std::uint8_t nulls[] = {0x02, 0x01};
  fill_execute_types(out, types("itditditi"), nulls);
  CHECK(out == types("inditditn"));
  fill_execute_types(out, types("it"), {});
  CHECK(out == types("it"));
}

}  // namespace
}  // namespace weir
