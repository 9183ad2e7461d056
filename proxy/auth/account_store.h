// Who may come in, and with what password weir logs in to servers for them. Shared by all workers;
// every call is safe from any thread and none blocks for long.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/auth/secret.h"
#include "protocol/auth/server_auth.h"
#include "proxy/config/config.h"

namespace weir {

// A user and the password that logs in to the servers. Shared by the sessions and connections of
// the user; wiped with the last of them.
struct Credentials {
  std::string user;
  protocol::Secret password;
};
using CredentialsPtr = std::shared_ptr<const Credentials>;

// Whom a login asks about a name.
class AccountSource {
 public:
  struct Lookup {
    protocol::Account account;
    CredentialsPtr credentials;  // null while the password must be learnt, or nobody is let in
    const UserConfig* listed = nullptr;  // lives as long as the configuration
  };
  virtual Lookup find(std::string_view user) const = 0;

 protected:
  ~AccountSource() = default;
};

class AccountStore final : public AccountSource {
 public:
  explicit AccountStore(std::shared_ptr<const Config> config);

  Lookup find(std::string_view user) const override;

  // A password that the primary has accepted.
  void remember(const CredentialsPtr& credentials);
  // The servers do not accept these any more. Newer ones of the same user are kept.
  void forget(const CredentialsPtr& credentials);

  // Takes a place among the user's connections; false when all are taken. Every true is given back
  // with leave(). Users without a limit are not counted.
  bool enter(const UserConfig& user);
  void leave(const UserConfig& user);

 private:
  std::shared_ptr<const Config> config_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, CredentialsPtr> listed_;    // constant after construction
  std::unordered_map<std::string, CredentialsPtr> learnt_;    // guarded by mutex_
  std::unordered_map<std::string, std::size_t> connections_;  // guarded by mutex_
};

}  // namespace weir
