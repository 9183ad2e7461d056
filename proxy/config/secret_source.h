// Where passwords come from when they are not written in the configuration itself. Injected, so
// that reading a configuration can be tested (and fuzzed) without touching files or the
// environment.

#pragma once

#include <string>

namespace weir {

struct Secret {
  std::string text;
  std::string why;  // not empty: there is no secret, and this is the reason

  bool ok() const { return why.empty(); }
};

// Why what is in a file is no secret of its owner's, with what to do; empty: it is one.
// `descriptor` is open.
std::string why_not_private(int descriptor);

class SecretSource {
 public:
  virtual ~SecretSource() = default;
  // The first line of a file, without its line end.
  virtual Secret from_file(const std::string& path) const = 0;
  // All of a file.
  virtual Secret whole_file(const std::string& path) const = 0;
  virtual Secret from_environment(const std::string& variable) const = 0;
};

// The real files and the real environment. Refuses a file that others than its owner may read.
class SystemSecrets : public SecretSource {
 public:
  Secret from_file(const std::string& path) const override;
  Secret whole_file(const std::string& path) const override;
  Secret from_environment(const std::string& variable) const override;
};

}  // namespace weir
