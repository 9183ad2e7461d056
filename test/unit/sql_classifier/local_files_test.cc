#include "sql_classifier/local_files.h"

#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir::test {
namespace {

using Files = std::vector<std::string>;

sql::TextOptions known(bool ansi, bool raw) {
  sql::TextOptions options;
  options.sql_mode_known = true;
  options.ansi_quotes = ansi;
  options.no_backslash_escapes = raw;
  return options;
}

}  // namespace

TEST_CASE("local files: what LOAD DATA LOCAL and LOAD XML LOCAL name",
          "[classifier][local_files]") {
  const struct {
    std::string text;
    Files files;
    sql::TextOptions options = known(false, false);
  } rows[] = {
      {"LOAD DATA LOCAL INFILE '/a' INTO TABLE t", {"/a"}},
      {"load data low_priority local infile \"/a b\" ignore into table t", {"/a b"}},
      {"LOAD XML CONCURRENT LOCAL/* x */INFILE '/a' INTO TABLE t", {"/a"}},
      {"LOAD DATA LOCAL INFILE 'a''b\\'c\\\\d' INTO TABLE t", {"a'b'c\\d"}},
      {"LOAD DATA LOCAL INFILE 'C:\\\\dir\\\\f' INTO TABLE t", {"C:\\dir\\f"}},
      {"LOAD DATA LOCAL INFILE 'C:\\dir' INTO TABLE t", {"C:\\dir"}, known(false, true)},
      {"LOAD DATA LOCAL INFILE '' INTO TABLE t", {""}},
      {"LOAD DATA LOCAL INFILE '/a' INTO TABLE t; LOAD DATA LOCAL INFILE '/b' INTO TABLE t",
       {"/a", "/b"}},
      {"/*!50000 LOAD DATA LOCAL INFILE '/a' INTO TABLE t */", {"/a"}},
      // Files of the server's, values, names, comments, and what is no statement.
      {"LOAD DATA INFILE '/a' INTO TABLE t", {}},
      {"LOAD DATA LOCAL INFILE '/a' INTO TABLE t FIELDS TERMINATED BY '/b' SET c = '/c'", {"/a"}},
      {"SELECT 'LOCAL INFILE ''/a'''", {}},
      {"LOAD DATA LOCAL INFILE '/a' /* LOCAL INFILE '/b' */ INTO TABLE t -- LOCAL INFILE '/c'",
       {"/a"}},
      {"LOAD DATA LOCAL INFILE \"/a\" INTO TABLE t", {}, known(true, false)},
      {"LOAD DATA LOCAL INFILE @v INTO TABLE t", {}},
      {"LOAD DATA LOCAL INFILE", {}},
      {"LOAD DATA LOCAL INFILE '/a", {"/a"}},
      {"", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(sql::local_files(row.text, row.options) == row.files);
  }
}

TEST_CASE("local files: under every sql_mode, where none is known", "[classifier][local_files]") {
  sql::TextOptions options;
  options.sql_mode_known = false;
  const Files files = sql::local_files("LOAD DATA LOCAL INFILE 'C:\\\\f' INTO TABLE t", options);
  CHECK(sql::names_file(files, "C:\\f"));
  CHECK(sql::names_file(files, "C:\\\\f"));
  CHECK_FALSE(sql::names_file(files, "C:f"));
}

TEST_CASE("local files: which one a server may ask for", "[classifier][local_files]") {
  CHECK(sql::names_file({"/a", "/b"}, "/b"));
  CHECK_FALSE(sql::names_file({"/a", "/b"}, "/c"));
  CHECK_FALSE(sql::names_file({"/a"}, "/A"));
  CHECK_FALSE(sql::names_file({"/a"}, "/a/"));
  CHECK_FALSE(sql::names_file({"/a"}, std::string("/a\0", 3)));
  CHECK_FALSE(sql::names_file({"/a"}, ""));
  CHECK_FALSE(sql::names_file({}, ""));
  // Servers may write it in another character set.
  CHECK(sql::names_file({"/\xe4"}, "/\xc3\xa4"));
  CHECK_FALSE(sql::names_file({"/\xe4"}, "/etc/passwd"));
  CHECK_FALSE(sql::names_file({"/a"}, "/\xc3\xa4"));
}

}  // namespace weir::test
