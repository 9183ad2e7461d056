#include "proxy/config/loader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>

#include "proxy/config/field.h"
#include "proxy/config/node.h"
#include "proxy/config/schema.h"
#include "proxy/config/units.h"
#include "proxy/config/validate.h"

namespace weir {
namespace {

struct FileText {
  std::string text;
  bool world_readable = false;
  std::string why;  // not empty: it could not be read
};

FileText read_descriptor(int descriptor) {
  FileText file;
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return {"", false, std::generic_category().message(errno)};
  file.world_readable = (status.st_mode & S_IROTH) != 0;
  // One byte more than allowed, to tell a file of just the allowed size from a larger one.
  file.text.resize(kLargestConfigFile + 1);
  std::size_t used = 0;
  while (used < file.text.size()) {
    const ssize_t got = ::read(descriptor, file.text.data() + used, file.text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {"", false, std::generic_category().message(errno)};
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  file.text.resize(used);
  return file;
}

FileText read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {"", false, std::generic_category().message(errno)};
  FileText file = read_descriptor(descriptor);
  ::close(descriptor);
  return file;
}

void read_text(std::string_view text, Config& config, config::Context& context) {
  if (text.size() > kLargestConfigFile) {
    return context.problem(0, fmt::format("the file is larger than {}; is it a configuration?",
                                          config::size_text(kLargestConfigFile)));
  }
  auto parsed = config::parse_toml(text);
  if (auto* error = std::get_if<config::SyntaxError>(&parsed)) {
    return context.problem(error->line, std::move(error->message));
  }
  const config::Node& root = std::get<config::Node>(parsed);
  config::read_config(root, config, context);
  const config::Node* const auth = root.find("auth");
  const bool mode_given = auth != nullptr && auth->find("mode") != nullptr;
  if (!mode_given && !config.users.empty()) config.auth.mode = AuthMode::users;
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    if (config.rules[i].name.empty()) config.rules[i].name = fmt::format("rule {}", i + 1);
  }
  config::validate(root, config, context);
}

LoadResult finish(Config config, config::Context context) {
  const auto by_line = [](const ConfigProblem& a, const ConfigProblem& b) {
    return a.line < b.line;
  };
  std::stable_sort(context.problems.begin(), context.problems.end(), by_line);
  std::stable_sort(context.warnings.begin(), context.warnings.end(), by_line);
  LoadResult result{nullptr, std::move(context.problems), std::move(context.warnings)};
  if (result.problems.empty()) result.config = std::make_shared<const Config>(std::move(config));
  return result;
}

}  // namespace

std::string format(const ConfigProblem& problem) {
  if (problem.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
  return fmt::format("{}:{}: {}", problem.file, problem.line, problem.message);
}

LoadResult parse_config(std::string_view text, const std::string& file_name,
                        const SecretSource& secrets) {
  Config config;
  config::Context context(file_name, secrets);
  read_text(text, config, context);
  return finish(std::move(config), std::move(context));
}

LoadResult load_config_file(const std::string& path) {
  const SystemSecrets secrets;
  Config config;
  config::Context context(path, secrets);
  const FileText file = read_file(path);
  if (!file.why.empty()) {
    context.problem(0, "cannot be read: " + file.why);
    return finish(std::move(config), std::move(context));
  }
  read_text(file.text, config, context);
  if (file.world_readable && context.literal_password_line != 0) {
    context.problem(
        context.literal_password_line,
        fmt::format("a secret stands in a file that everybody may read; run chmod 640 {}, "
                    "or keep it elsewhere (password_file, password_env)",
                    path));
  }
  return finish(std::move(config), std::move(context));
}

std::vector<std::string> known_config_keys() {
  return config::schema_keys();
}

}  // namespace weir
