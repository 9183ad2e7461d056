// The firewall's list while weir runs: on files in a folder of the test's own.

#include "proxy/firewall/firewall.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "sql_classifier/digest.h"
#include "test/support/catch.h"
#include "test/support/folder.h"
#include "test/support/until.h"

namespace weir::test {
namespace {

class FirewallTest {
 public:
  ~FirewallTest() {
    std::error_code ignored;
    std::filesystem::permissions(folder_.path(""), std::filesystem::perms::owner_all, ignored);
  }

  std::string path() const { return folder_.path("list"); }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::filesystem::rename(folder_.write("list.edited", text, mode), path());
  }
  std::string read() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Why it does not begin; "": it does.
  std::string refusal(bool learns) const {
    try {
      Firewall firewall(path(), learns);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

 private:
  Folder folder_;
};

AllowedStatement statement(const std::string& text) {
  return {sql::digest(text), text};
}

bool knows(const Firewall& firewall, const std::string& text) {
  return firewall.lists()->contains("app", sql::digest(text), text);
}

}  // namespace

TEST_CASE_METHOD(FirewallTest, "firewall: what is learnt is known, and in the file", "[firewall]") {
  {
    Firewall firewall(path(), true);
    CHECK(read().find("# The allow-list") == 0);  // so that it is known that it can be written
    const std::uint64_t before = firewall.version();
    firewall.learn("app", {statement("SELECT a"), statement("SELECT b")});
    firewall.learn("app", {statement("SELECT a")});
    CHECK(until([&] { return read().find("SELECT b\n") != std::string::npos; }));
    CHECK(knows(firewall, "SELECT a"));
    CHECK(firewall.version() == before + 1);
    CHECK(firewall.learnt().at("app") == 2);
    struct stat status = {};
    REQUIRE(::stat(path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777u) == 0600);
    firewall.learn("app", {statement("SELECT c")});  // and ends at once
  }
  CHECK(read().find("SELECT c\n") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path() + ".new"));
  const Firewall again(path(), false);
  CHECK(knows(again, "SELECT b"));
  CHECK(again.learnt().empty());
}

TEST_CASE_METHOD(FirewallTest, "firewall: a file that is no good is refused", "[firewall]") {
  const std::string cannot = "firewall.file: cannot read " + path() + ": ";
  CHECK(refusal(false) ==
        cannot + "there is no such file; begin with mode \"learn\", which makes it");
  CHECK(refusal(true) == "");
  write("[app]\nSELECT 'a\n");
  for (const bool learns : {false, true}) {
    CHECK(refusal(learns) ==
          "firewall.file: " + path() +
              ":2: the statement cannot be read for certain: are all its quotes and comments "
              "closed?");
  }
  CHECK(read() == "[app]\nSELECT 'a\n");
  write("", 0644);
  CHECK(refusal(true) ==
        cannot + "others than its owner may use it (mode 0644); run chmod 600 on it");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  CHECK(refusal(true) == cannot + "it is not a regular file");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path() + ".new");
  CHECK(refusal(true).find("firewall.file: cannot write " + path() + ": ") == 0);
  std::ofstream(path()) << "[app]\n";
  ::chmod(path().c_str(), 0600);
  CHECK(refusal(true).find("firewall.file: cannot write " + path() + ".new: ") == 0);
  CHECK(refusal(false) == "");
}

TEST_CASE_METHOD(FirewallTest, "firewall: a file is read again, unless it is broken",
                 "[firewall]") {
  write("[app]\nSELECT a\n");
  Firewall firewall(path(), false);
  CHECK(knows(firewall, "SELECT a"));
  write("[app]\nSELECT b\n");
  firewall.reload();
  CHECK(until([&] { return knows(firewall, "SELECT b"); }));
  CHECK_FALSE(knows(firewall, "SELECT a"));
  write("SELECT c\n");
  firewall.reload();
  write("[app]\nSELECT d\n");
  firewall.reload();
  CHECK(until([&] { return knows(firewall, "SELECT d"); }));
}

TEST_CASE_METHOD(FirewallTest, "firewall: edits are not lost to what is learnt", "[firewall]") {
  Firewall firewall(path(), true);
  SECTION("those that can be read") {
    write("[app]\nSELECT a\n");
    firewall.learn("app", {statement("SELECT b")});
    CHECK(until([&] { return read().find("SELECT b\n") != std::string::npos; }));
    CHECK(read().find("SELECT a\n") != std::string::npos);
    CHECK(knows(firewall, "SELECT a"));
  }
  SECTION("those that cannot: the file stays, and what is learnt waits for it") {
    write("[app\n");
    firewall.learn("app", {statement("SELECT b")});
    CHECK(until([&] { return knows(firewall, "SELECT b"); }));
    firewall.reload();
    CHECK(read() == "[app\n");
    CHECK(knows(firewall, "SELECT b"));
    write("[app]\nSELECT c\n");
    firewall.reload();
    CHECK(until([&] { return read().find("SELECT b\n") != std::string::npos; }));
    CHECK(knows(firewall, "SELECT c"));
    CHECK(knows(firewall, "SELECT b"));
  }
  SECTION("but a file that is gone is written anew") {
    std::filesystem::remove(path());
    firewall.learn("app", {statement("SELECT b")});
    CHECK(until([&] { return read().find("SELECT b\n") != std::string::npos; }));
  }
}

TEST_CASE_METHOD(FirewallTest, "firewall: a worker's view follows", "[firewall]") {
  Firewall firewall(path(), true);
  FirewallView view;
  const AllowLists* const first = &view.latest(firewall);
  CHECK(&view.latest(firewall) == first);
  firewall.learn("app", {statement("SELECT a")});
  CHECK(until(
      [&] { return view.latest(firewall).contains("app", sql::digest("SELECT a"), "SELECT a"); }));
}

}  // namespace weir::test
