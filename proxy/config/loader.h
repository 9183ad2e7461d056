// From the text of a configuration file to a Config, or to everything that is wrong with it.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/problem.h"
#include "proxy/config/secret_source.h"

namespace weir {

inline constexpr std::size_t kLargestConfigFile = 1u << 20;

struct LoadResult {
  std::shared_ptr<const Config> config;  // null exactly when there are problems
  std::vector<ConfigProblem> problems;   // all of them, in the order of their lines
  std::vector<ConfigProblem> warnings;   // legal, but probably not what was meant

  bool ok() const { return config != nullptr; }
};

LoadResult load_config_file(const std::string& path);

// `file_name` names the text in messages; relative password files are looked up beside it.
LoadResult parse_config(std::string_view text, const std::string& file_name,
                        const SecretSource& secrets = SystemSecrets());

// Every key that may stand in a file, as "section.key", in the order of the sections.
std::vector<std::string> known_config_keys();

}  // namespace weir
