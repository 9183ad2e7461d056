#include "proxy/admin/made_password.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

#include "test/support/catch.h"
#include "test/support/folder.h"

namespace weir {
namespace {

using test::Folder;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

protocol::Secret text_with(std::string_view password) {
  return option_file("admin", password, Endpoint{"127.0.0.1", 6032, ""});
}

std::string refusal(const std::string& path) {
  try {
    const PasswordFile file(path, text_with("new"));
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST_CASE("made password: 128 bits that can be typed, new each time", "[admin]") {
  const protocol::Secret one = make_console_password();
  const protocol::Secret other = make_console_password();
  CHECK(one.view().size() == 32);
  CHECK(one.view().find_first_not_of("0123456789abcdef") == std::string_view::npos);
  CHECK(one.view() != other.view());
}

TEST_CASE("made password: where its file is", "[admin]") {
  AuthConfig config;
  CHECK(made_password_path(config, "/etc/weir/weir.toml", nullptr) ==
        "/etc/weir/weir.toml.admin.cnf");
  CHECK(made_password_path(config, "/etc/weir/weir.toml", "") == "/etc/weir/weir.toml.admin.cnf");
  CHECK(made_password_path(config, "/etc/weir/weir.toml", "/run/weir") == "/run/weir/admin.cnf");
  CHECK(made_password_path(config, "/etc/weir/weir.toml", "/run/weir:/run/more") ==
        "/run/weir/admin.cnf");
  CHECK(made_password_path(config, "weir.toml", nullptr) ==
        (std::filesystem::current_path() / "weir.toml.admin.cnf").string());
  config.admin_password_out = "console";
  CHECK(made_password_path(config, "/etc/weir/weir.toml", "/run/weir") == "/etc/weir/console");
  config.admin_password_out = "/tmp/console";
  CHECK(made_password_path(config, "/etc/weir/weir.toml", "/run/weir") == "/tmp/console");
}

TEST_CASE("made password: the file tells clients where to go", "[admin]") {
  const auto line_of = [](const Endpoint& address, const std::string& user, std::string_view key) {
    const protocol::Secret secret = option_file(user, "0123", address);
    const std::string text(secret.view());
    const std::size_t at = text.find("\n" + std::string(key) + "=");
    REQUIRE(at != std::string::npos);
    return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  };
  const Endpoint address{"10.0.0.1", 7000, ""};
  CHECK(line_of(address, "admin", "host") == "host=\"10.0.0.1\"");
  CHECK(line_of(address, "admin", "port") == "port=7000");
  CHECK(line_of(address, "admin", "protocol") == "protocol=tcp");
  CHECK(line_of(address, "admin", "password") == "password=\"0123\"");
  CHECK(line_of(address, "a\\d\"m\ni#n", "user") == "user=\"a\\\\d\\\"m\\ni#n\"");
  for (const char* everywhere : {"0.0.0.0", "*", "localhost"}) {
    CHECK(line_of({everywhere, 1, ""}, "admin", "host") == "host=\"127.0.0.1\"");
  }
  CHECK(line_of({"::", 1, ""}, "admin", "host") == "host=\"::1\"");
}

TEST_CASE("made password: the file is its owner's alone, and gone at the end", "[admin]") {
  const Folder folder;
  const std::string path = folder.path("admin.cnf");
  const mode_t before = ::umask(0);
  {
    PasswordFile first(path, text_with("first"));
    ::umask(before);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(content_of(path) == text_with("first").view());
    const PasswordFile moved(std::move(first));
    CHECK(moved.path() == path);
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("made password: what an earlier start has left is replaced", "[admin]") {
  const Folder folder;
  const std::string path = folder.path("admin.cnf");
  std::ofstream(path) << text_with("a much longer one than the other").view();
  std::optional<PasswordFile> older(std::in_place, path, text_with("older"));
  CHECK(content_of(path) == text_with("older").view());
  const PasswordFile newer(path, text_with("newer"));
  older.reset();  // the file is another one by now
  CHECK(content_of(path) == text_with("newer").view());
}

TEST_CASE("made password: nothing else is ever overwritten", "[admin]") {
  const Folder folder;
  const std::string taken = "there is another file; give it another name or remove it";
  const std::string mine = folder.path("mine");
  std::ofstream(mine) << "[client]\nuser=me\n";
  CHECK(refusal(mine) == taken);
  CHECK(content_of(mine) == "[client]\nuser=me\n");
  const std::string empty = folder.path("empty");
  std::ofstream(empty).flush();
  CHECK(refusal(empty) == taken);
  const std::string link = folder.path("link");
  std::filesystem::create_symlink(mine, link);
  CHECK(refusal(link) != "");
  CHECK(std::filesystem::is_symlink(link));
  const std::string dangling = folder.path("dangling");
  std::filesystem::create_symlink(folder.path("elsewhere"), dangling);
  CHECK(refusal(dangling) != "");
  CHECK_FALSE(std::filesystem::exists(folder.path("elsewhere")));
  std::filesystem::create_directory(folder.path("folder"));
  CHECK(refusal(folder.path("folder")) == taken);
  CHECK(refusal(folder.path("missing/admin.cnf")) == "No such file or directory");
}

}  // namespace
}  // namespace weir
