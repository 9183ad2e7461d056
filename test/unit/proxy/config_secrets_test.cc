#include "proxy/config/secret_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "test/support/catch.h"
#include "test/support/folder.h"
#include "test/unit/proxy/config_support.h"

namespace weir::test {

TEST_CASE("a password file gives its first line", "[config]") {
  const Folder folder;
  const SystemSecrets secrets;
  CHECK(secrets.from_file(folder.write("a", "secret\n", 0600)).text == "secret");
  CHECK(secrets.from_file(folder.write("b", "secret", 0400)).text == "secret");
  CHECK(secrets.from_file(folder.write("c", " with spaces \r\nsecond\n", 0600)).text ==
        " with spaces ");
  CHECK(secrets.from_file(folder.write("d", "x\n" + std::string(100000, 'y'), 0600)).text == "x");
}

TEST_CASE("a password file that is no secret is refused", "[config]") {
  const Folder folder;
  const SystemSecrets secrets;
  CHECK(secrets.from_file(folder.write("group", "x\n", 0640)).why ==
        "others than its owner may use it (mode 0640); run chmod 600 on it");
  CHECK(secrets.from_file(folder.write("others", "x\n", 0604)).why ==
        "others than its owner may use it (mode 0604); run chmod 600 on it");
  CHECK(secrets.from_file(folder.write("empty", "", 0600)).why == "its first line is empty");
  CHECK(secrets.from_file(folder.write("blank", "\nx\n", 0600)).why == "its first line is empty");
  CHECK(secrets.from_file(folder.write("long", std::string(5000, 'x'), 0600)).why ==
        "its first line is too long for a password");
  CHECK(secrets.from_file(folder.path("none")).why == "No such file or directory");
  CHECK(secrets.from_file(folder.path(".")).why == "it is not a regular file");
  REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  CHECK(secrets.from_file(folder.path("fifo")).why == "it is not a regular file");
}

TEST_CASE("a whole file is read as privately as a password", "[config]") {
  const Folder folder;
  const SystemSecrets secrets;
  CHECK(secrets.whole_file(folder.write("key", "first\nsecond\n", 0600)).text == "first\nsecond\n");
  CHECK(secrets.whole_file(folder.write("open", "x\n", 0644)).why ==
        "others than its owner may use it (mode 0644); run chmod 600 on it");
  CHECK(secrets.whole_file(folder.write("large", std::string(65537, 'x'), 0600)).why ==
        "it is larger than 64 KiB");
}

TEST_CASE("an environment variable must be set and not empty", "[config]") {
  const SystemSecrets secrets;
  ::setenv("WEIR_TEST_SECRET", "x", 1);
  CHECK(secrets.from_environment("WEIR_TEST_SECRET").text == "x");
  ::setenv("WEIR_TEST_SECRET", "", 1);
  CHECK(secrets.from_environment("WEIR_TEST_SECRET").why == "it is empty");
  ::unsetenv("WEIR_TEST_SECRET");
  CHECK(secrets.from_environment("WEIR_TEST_SECRET").why == "it is not set");
}

TEST_CASE("a configuration file is loaded from disk", "[config]") {
  const Folder folder;
  CHECK(load_config_file(folder.write("private.toml", std::string(kRest), 0640)).warnings.empty());

  const std::string open = folder.write("open.toml", std::string(kRest), 0644);
  const LoadResult result = load_config_file(open);
  CHECK_FALSE(result.ok());
  CHECK(in_words(result.problems) ==
        std::vector<std::string>{open +
                                 ":6: a secret stands in a file that everybody may read; run chmod "
                                 "640 " +
                                 open + ", or keep it elsewhere (password_file, password_env)"});

  folder.write("monitor.password", "from file\n", 0600);
  const LoadResult separate = load_config_file(
      folder.write("separate.toml",
                   "[[server]]\nname = \"a\"\naddress = \"a\"\n"
                   "[monitor]\nuser = \"m\"\npassword_file = \"monitor.password\"\n",
                   0644));
  REQUIRE(separate.ok());
  CHECK(separate.warnings.empty());
  CHECK(separate.config->monitor.password == "from file");
}

TEST_CASE("a configuration file that cannot be read is one problem", "[config]") {
  const Folder folder;
  const std::string none = folder.path("none.toml");
  const LoadResult missing = load_config_file(none);
  CHECK_FALSE(missing.ok());
  CHECK(in_words(missing.problems) ==
        std::vector<std::string>{none + ": cannot be read: No such file or directory"});
  CHECK(in_words(load_config_file(folder.path(".")).problems) ==
        std::vector<std::string>{folder.path(".") + ": cannot be read: Is a directory"});
  const std::string large =
      folder.write("large.toml", std::string(kLargestConfigFile + 1, '#'), 0600);
  CHECK(in_words(load_config_file(large).problems) ==
        std::vector<std::string>{large + ": the file is larger than 1MiB; is it a configuration?"});
  const std::string just = folder.write("just.toml", std::string(kLargestConfigFile, '#'), 0600);
  CHECK(load_config_file(just).problems.size() == 2);  // no server, no monitor
}

}  // namespace weir::test
