// Any text must be either a configuration or a list of problems; nothing may crash, hang or touch a
// file on the way.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/config/loader.h"

namespace {

class NoSecrets : public weir::SecretSource {
 public:
  weir::Secret from_file(const std::string& path) const override { return some(path); }
  weir::Secret whole_file(const std::string& path) const override { return some(path); }
  weir::Secret from_environment(const std::string& name) const override { return some(name); }

 private:
  // Both outcomes are worth seeing.
  static weir::Secret some(const std::string& name) {
    if (name.size() % 2 == 0) return {"secret", ""};
    return {"", "there is none"};
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const weir::LoadResult result = weir::parse_config(text, "fuzz.toml", NoSecrets());
  require(result.ok() == result.problems.empty());
  for (const weir::ConfigProblem& problem : result.problems) {
    require(!problem.message.empty());
    require(format(problem).find('\n') == std::string::npos);
  }
  if (result.ok()) require(!result.config->servers.empty() && !result.config->monitor.user.empty());
  return 0;
}
