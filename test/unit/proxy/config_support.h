// What the tests of the configuration share.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/loader.h"

namespace weir::test {

// Secrets from a table instead of files and the environment.
class FakeSecrets : public SecretSource {
 public:
  Secret from_file(const std::string& path) const override { return look_up(files, path); }
  Secret whole_file(const std::string& path) const override { return look_up(files, path); }
  Secret from_environment(const std::string& name) const override {
    return look_up(variables, name);
  }

  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

 private:
  static Secret look_up(const std::map<std::string, std::string>& table, const std::string& key) {
    const auto found = table.find(key);
    if (found == table.end()) return {"", "it is not there"};
    return {found->second, ""};
  }
};

// Six lines that make any configuration complete; what a test is about goes in front of them.
inline constexpr std::string_view kRest =
    "[[server]]\nname = \"db1\"\naddress = \"10.0.0.1\"\n"
    "[monitor]\nuser = \"m\"\npassword = \"p\"\n";

inline LoadResult load(std::string_view text, const SecretSource& secrets = FakeSecrets()) {
  return parse_config(text, "weir.toml", secrets);
}

inline LoadResult load_with_rest(const std::string& text) {
  return load(text + "\n" + std::string(kRest));
}

inline std::vector<std::string> in_words(const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems) lines.push_back(format(problem));
  return lines;
}

}  // namespace weir::test
