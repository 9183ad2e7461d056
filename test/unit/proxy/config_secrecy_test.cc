// No secret of a configuration is ever said again, whatever becomes of it.

#include <algorithm>
#include <string>
#include <vector>

#include "proxy/config/schema.h"
#include "test/support/catch.h"
#include "test/unit/proxy/config_support.h"

namespace weir::test {
namespace {

// Good as a password, as a token, and as what a server stores of a password.
const std::string kHidden = "*D388BA27EE01EDC43C4EB89216F332EFF34456D2";

// Keys that can come from the environment are secrets.
std::vector<std::string> secret_keys() {
  const std::vector<std::string> all = known_config_keys();
  std::vector<std::string> secrets;
  for (const std::string& key : all) {
    if (std::find(all.begin(), all.end(), key + "_env") != all.end()) secrets.push_back(key);
  }
  return secrets;
}

// As good as complete, with one line more in the key's section.
std::string with_line(const std::string& key, const std::string& line) {
  const std::string server = "[[server]]\nname = \"db1\"\naddress = \"10.0.0.1\"\n";
  const std::string section = key.substr(0, key.find('.'));
  if (section == "monitor") return server + "[monitor]\nuser = \"m\"\n" + line;
  const std::string rest = std::string(kRest);
  if (section != "user") return rest + "[" + section + "]\n" + line;
  const bool beside = key == "user.verifier_next" || key == "user.backend";
  return rest + "[[user]]\nname = \"u\"\n" + (beside ? "password = \"p\"\n" : "") + line;
}

std::string name_of(const std::string& key) {
  return key.substr(key.find('.') + 1);
}

void check_silent(const LoadResult& result) {
  for (const auto& list : {result.problems, result.warnings}) {
    for (const std::string& line : in_words(list)) {
      CAPTURE(line);
      CHECK(line.find(kHidden.substr(1, 8)) == std::string::npos);
    }
  }
}

TEST_CASE("secrecy: SHOW CONFIG has stars for every secret", "[config]") {
  const std::vector<std::string> keys = secret_keys();
  CHECK(keys.size() == 9);  // with a new one, see whether it is hidden everywhere else, too
  for (const std::string& key : keys) {
    CAPTURE(key);
    const bool token = key.ends_with("token");
    const std::string value = token ? kHidden.substr(1) : kHidden;
    const LoadResult result = load(with_line(key, name_of(key) + " = \"" + value + "\"\n"));
    CHECK(in_words(result.problems).empty());
    check_silent(result);
    REQUIRE(result.ok());
    bool starred = false;
    for (const config::ConfigValue& row : config::print_config(*result.config)) {
      CHECK(row.value.find(kHidden.substr(1)) == std::string::npos);
      starred = starred || (row.key.ends_with("." + name_of(key)) && row.value == "***");
    }
    CHECK(starred);
  }
}

TEST_CASE("secrecy: nor is the password of a backend shown", "[config]") {
  const LoadResult result = load(
      with_line("user.backend", "backend = { user = \"svc\", password = \"" + kHidden + "\" }\n"));
  REQUIRE(result.ok());
  for (const config::ConfigValue& row : config::print_config(*result.config)) {
    CHECK(row.value.find(kHidden) == std::string::npos);
    if (row.key.ends_with(".backend")) CHECK(row.value == "user svc, password ***");
  }
}

TEST_CASE("secrecy: what is wrong with a secret is said without it", "[config]") {
  for (const std::string& key : secret_keys()) {
    CAPTURE(key);
    const std::string name = name_of(key);
    for (const std::string& line :
         {name + " = [\"" + kHidden + "\"]\n", name + " = { x = \"" + kHidden + "\" }\n",
          name + " = \"" + kHidden + "\\u0000\"\n", name + " = \"" + kHidden + "\n",
          name + " = " + kHidden + "\n",
          name + " = \"" + kHidden + "\"\n" + name + " = \"" + kHidden + "\"\n",
          name + " = \"" + kHidden + "\"\n" + name + "_env = \"NONE\"\n"}) {
      CAPTURE(line);
      const LoadResult result = load(with_line(key, line));
      CHECK_FALSE(result.ok());
      check_silent(result);
    }
  }
}

}  // namespace
}  // namespace weir::test
