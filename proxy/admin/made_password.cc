#include "proxy/admin/made_password.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace weir {
namespace {

constexpr std::string_view kMark =
    "# Made by weir at its start and removed at its end: how to reach its admin console.\n";

std::string reason(int error) {
  return std::generic_category().message(error);
}

// As option files have it.
std::string option_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

// A client on this machine does not connect to "every interface", and takes "localhost" for a unix
// socket.
std::string host_to_reach(const Endpoint& address) {
  if (address.host == "::") return "::1";
  const bool any = address.host == "0.0.0.0" || address.host == "*";
  return any || address.host == "localhost" ? "127.0.0.1" : address.host;
}

bool is_left_behind(int descriptor) {
  std::array<char, kMark.size()> begin{};
  const ssize_t got = ::read(descriptor, begin.data(), begin.size());
  return std::string_view(begin.data(), got > 0 ? static_cast<std::size_t>(got) : 0) == kMark;
}

// Only what weir has written itself: a path that was given by mistake must not cost a file.
void remove_left_behind(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return;
  if (descriptor < 0) throw std::runtime_error(reason(errno));
  const bool ours = is_left_behind(descriptor);
  ::close(descriptor);
  if (!ours) throw std::runtime_error("there is another file; give it another name or remove it");
  if (::unlink(path.c_str()) != 0) throw std::runtime_error(reason(errno));
}

// 0, or the error.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

protocol::Secret make_console_password() {
  std::array<std::uint8_t, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return {};
  std::array<char, 2 * random.size()> digits{};
  char* end = digits.data();
  for (const std::uint8_t byte : random) end = fmt::format_to(end, "{:02x}", byte);
  protocol::Secret made(std::string_view(digits.data(), digits.size()));
  OPENSSL_cleanse(random.data(), random.size());
  OPENSSL_cleanse(digits.data(), digits.size());
  return made;
}

std::string made_password_path(const AuthConfig& auth, const std::string& config_file,
                               const char* runtime_directory) {
  const std::filesystem::path config = std::filesystem::absolute(config_file);
  if (!auth.admin_password_out.empty()) {
    return (config.parent_path() / auth.admin_password_out).string();
  }
  std::string_view folder = runtime_directory == nullptr ? "" : runtime_directory;
  folder = folder.substr(0, folder.find(':'));  // systemd lists all of them
  if (!folder.empty()) return (std::filesystem::path(folder) / "admin.cnf").string();
  return config.string() + ".admin.cnf";
}

protocol::Secret option_file(std::string_view user, std::string_view password,
                             const Endpoint& address) {
  std::string text =
      fmt::format("{}[client]\nprotocol=tcp\nhost={}\nport={}\nuser={}\npassword={}\n", kMark,
                  option_value(host_to_reach(address)), address.port, option_value(user),
                  option_value(password));
  protocol::Secret secret(text);
  protocol::wipe(text);
  return secret;
}

PasswordFile::PasswordFile(std::string path, const protocol::Secret& text)
    : path_(std::move(path)) {
  remove_left_behind(path_);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       S_IRUSR | S_IWUSR);
  if (descriptor_ < 0) throw std::runtime_error(reason(errno));
  const int error = write_all(descriptor_, text.view());
  if (error == 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
  throw std::runtime_error(reason(error));
}

PasswordFile::PasswordFile(PasswordFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

PasswordFile::~PasswordFile() {
  if (descriptor_ < 0) return;
  if (is_still_there()) ::unlink(path_.c_str());
  ::close(descriptor_);
}

bool PasswordFile::is_still_there() const {
  struct stat mine {};
  struct stat there {};
  return ::fstat(descriptor_, &mine) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

}  // namespace weir
