#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace weir::test {

// A file of a test's own, for LOAD DATA LOCAL; gone with it.
struct LocalFile {
  explicit LocalFile(const std::string& content) {
    char name[] = "/tmp/weir-infile.XXXXXX";
    ::close(::mkstemp(name));
    path = name;
    std::ofstream(path) << content;
  }
  ~LocalFile() { ::unlink(path.c_str()); }
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  std::string path;
};

}  // namespace weir::test
