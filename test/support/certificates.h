// Certificates of test/support/certificates, made once for each test program.

#pragma once

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace weir::test {

class Certificates {
 public:
  Certificates() {
    char name[] = "/tmp/weir-certificates.XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a folder in /tmp");
    folder_ = name;
    const std::string command = WEIR_SOURCE_DIR "/test/support/certificates " + folder_;
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name + ".pem"; }

 private:
  std::string folder_;
};

inline const Certificates& certificates() {
  static const Certificates made;
  return made;
}

inline std::string pem(const std::string& name) {
  return certificates().path(name);
}

}  // namespace weir::test
